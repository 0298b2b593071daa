/** What was decided about removing the mail of parked addresses for good, and what people were told of it. */
import assert from "node:assert/strict";

interface Purged {
  /** Decisions without an answer. */
  open: number;
  /** An answer was lost in a crash: its mail is gone, or is not. */
  isUncertain: boolean;
  /** Messages that people were told are gone. */
  told: number;
}

export class Purges {
  readonly #of = new Map<string, Purged>();

  decided(at: string): void {
    this.#at(at).open++;
  }

  /** It was refused, or the address was not parked. */
  inVain(at: string): void {
    this.#at(at).open--;
  }

  told(at: string, messages: number): void {
    const purged = this.#at(at);
    purged.open--;
    purged.told += messages;
  }

  lost(at: string): void {
    const purged = this.#at(at);
    purged.open--;
    purged.isUncertain = true;
  }

  /** Whether mail of this address may have been removed. */
  mayHaveBeen(at: string): boolean {
    const purged = this.#of.get(at);
    return purged !== undefined && (purged.open > 0 || purged.isUncertain || purged.told > 0);
  }

  all(): Iterable<readonly [string, Readonly<Purged>]> {
    return this.#of;
  }

  #at(at: string): Purged {
    let purged = this.#of.get(at);
    if (purged === undefined) {
      purged = { open: 0, isUncertain: false, told: 0 };
      this.#of.set(at, purged);
    }
    return purged;
  }
}

/** In the end: the messages that are nowhere, against what people were told is gone. */
export class Missing {
  readonly #purges: Purges;
  /** Messages that are missing, by the one place where they can have been. */
  readonly #certain = new Map<string, number>();
  /** Messages that may be missing there, or were never sent, or are missing elsewhere. */
  readonly #possible = new Map<string, number>();
  #total = 0;

  constructor(purges: Purges) {
    this.#purges = purges;
  }

  /** One is nowhere, though it was sent: it was mail of one of these. */
  add(what: string, places: readonly string[]): void {
    const purged = places.filter((at) => this.#purges.mayHaveBeen(at));
    assert(purged.length > 0, `${what} is lost`);
    this.#total++;
    const [only] = purged;
    if (purged.length === 1 && only !== undefined) more(this.#certain, only);
    else for (const at of purged) more(this.#possible, at);
  }

  /** Nothing came of this one, for this reason or another. */
  mayBe(places: readonly string[]): void {
    for (const at of places) more(this.#possible, at);
  }

  close(): void {
    let told = 0;
    let isUncertain = false;
    for (const [at, purged] of this.#purges.all()) {
      assert.equal(purged.open, 0, `a decision about ${at} was never answered`);
      const certain = this.#certain.get(at) ?? 0;
      const most = certain + (this.#possible.get(at) ?? 0);
      assert(purged.told <= most, `${at}: ${purged.told} purged, and ${most} missing`);
      const isCovered = certain <= purged.told || purged.isUncertain;
      assert(isCovered, `${at}: ${certain} missing, and ${purged.told} purged`);
      told += purged.told;
      isUncertain ||= purged.isUncertain;
    }
    assert(this.#total <= told || isUncertain, `${this.#total} missing, and ${told} purged`);
  }
}

function more(counts: Map<string, number>, at: string): void {
  counts.set(at, (counts.get(at) ?? 0) + 1);
}
