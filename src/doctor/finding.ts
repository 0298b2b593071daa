import { describeError, type ErrorCode, StatefoldError } from "../base/errors.ts";

/** Something a person should know about a data directory. */
export interface Finding {
  /**
   * damage: bytes are not what was written, or gone. contradiction: whole bytes that do not fit together.
   * note: nothing is wrong, but worth knowing; a directory with notes alone is healthy.
   */
  readonly kind: "damage" | "contradiction" | "note";
  /** A path within the directory, or a part of it: "partition 0". */
  readonly where: string;
  readonly what: string;
  /** What follows from it. */
  readonly means: string;
  /** What to do next. */
  readonly advice: string;
}

export const RESTORE =
  "Keep a copy of the whole directory, check the disk, and restore the directory from a backup.";
export const ACCEPT =
  "To go on without what is gone, start once with --accept-loss: the partition ends at the last commit before it, and effects that had left may be repeated.";
const REFUSED = "A node does not start on this directory.";

const MEANING: Partial<Record<ErrorCode, Pick<Finding, "means" | "advice">>> = {
  STORE_CORRUPT: { means: REFUSED, advice: RESTORE },
  STORE_BEHIND_WITNESS: {
    means: `${REFUSED} Commits that were acknowledged are gone.`,
    advice: `${RESTORE} ${ACCEPT}`,
  },
  STORE_FOREIGN: {
    means: REFUSED,
    advice: "Put back the folder that was here; it may stand under another partition's name.",
  },
  STORE_FORMAT: { means: REFUSED, advice: "Use the version of statefold that wrote it." },
  LOG_CORRUPT: {
    means:
      "A node starts, and what is damaged of the topic stays closed, so that nothing is lost silently.",
    advice: RESTORE,
  },
};

/** What a start would say, as a finding. */
export function findingOf(where: string, error: unknown): Finding {
  const code = error instanceof StatefoldError ? error.code : "STORE_CORRUPT";
  const { means, advice } = MEANING[code] ?? { means: REFUSED, advice: RESTORE };
  return { kind: "damage", where, what: describeError(error), means, advice };
}

export function contradiction(where: string, what: string, means: string): Finding {
  return {
    ...{ kind: "contradiction", where, what, means },
    advice: `Keep a copy of the directory and report it: either a part of it was replaced, or it is a mistake of statefold's. ${RESTORE}`,
  };
}

/** Findings of one examination, at most so many of one sort: the rest is counted. */
export class Findings {
  readonly #all: Finding[] = [];
  readonly #bySort = new Map<string, number>();

  /** @param sort what counts together; default: each for itself */
  add(finding: Finding, sort?: string): void {
    if (sort !== undefined) {
      const count = (this.#bySort.get(sort) ?? 0) + 1;
      this.#bySort.set(sort, count);
      if (count > SHOWN_FINDINGS) return;
    }
    this.#all.push(finding);
  }

  list(): readonly Finding[] {
    const more = [...this.#bySort].filter(([, count]) => count > SHOWN_FINDINGS);
    return [
      ...this.#all,
      ...more.map(([sort, count]): Finding => {
        const what = `${count - SHOWN_FINDINGS} more of this sort: ${sort}`;
        return { kind: "note", where: "", what, means: "As above.", advice: "As above." };
      }),
    ];
  }
}

/** Findings of one sort that are told one by one. */
const SHOWN_FINDINGS = 20;
