/**
 * Keeps trouble that repeats itself from filling the log: of lines that say the same, so many are written
 * in a while. What is left out is counted, and the next line that is written says how many.
 */

/** Lines of one text in SAME_LINES_MS. */
const SAME_LINES = 20;
const SAME_LINES_MS = 10_000;
/** Texts told apart; with more of them the count begins anew. */
const LINE_TEXTS = 1_000;

interface Said {
  readonly sinceMs: number;
  written: number;
  leftOut: number;
}

export class LineLimit {
  readonly #said = new Map<string, Said>();

  /** Undefined: the line is left out. Else how many of its text were left out before it. */
  admit(text: string, nowMs: number): number | undefined {
    let said = this.#said.get(text);
    const ageMs = said === undefined ? 0 : nowMs - said.sinceMs;
    const before = said?.leftOut ?? 0;
    if (said === undefined || ageMs >= SAME_LINES_MS || ageMs < 0) {
      if (said === undefined && this.#said.size >= LINE_TEXTS) this.#said.clear();
      said = { sinceMs: nowMs, written: 1, leftOut: 0 };
      this.#said.set(text, said);
      return before;
    }
    if (said.written >= SAME_LINES) {
      said.leftOut++;
      return undefined;
    }
    said.written++;
    return 0;
  }
}
