import assert from "node:assert/strict";
import type { EgressEffect } from "../../src/store/records/outbox.ts";
import type { Paths } from "./paths.ts";

interface Refused {
  readonly number: number;
  readonly reason: string;
}

/** Gets each record once, and its number; what it returns is why the record is refused. */
type Take = (record: EgressEffect, partition: number, number: number) => string | undefined;

/**
 * The other end of an egress: remembers the last number of each partition, takes the next, ignores lower
 * ones, and takes no gap (I5). It survives every crash.
 */
export class Receiver {
  /** After an accepted loss of epochs numbers jump, and what the lost epochs sent comes again. */
  isBelieving = false;
  readonly #paths: Paths;
  readonly #last: Map<number, number>;
  readonly #take: Take;

  /**
   * @param last the last number of each partition that it has taken already
   */
  constructor(paths: Paths, take: Take, last: ReadonlyMap<number, number> = new Map()) {
    this.#paths = paths;
    this.#take = take;
    this.#last = new Map(last);
  }

  take(partition: number, first: number, records: readonly EgressEffect[]): readonly Refused[] {
    let last = this.#last.get(partition) ?? 0;
    const follows = first <= last + 1 || this.isBelieving;
    assert(follows, `egress numbers ${last + 1} to ${first - 1} are missing`);
    this.#paths.hitIf(first <= last, "egressRepeated");
    const refused: Refused[] = [];
    records.forEach((record, i) => {
      const number = first + i;
      if (number <= last && !this.#refusedAt.has(`${partition}/${number}`)) return;
      const known = this.#refusedAt.get(`${partition}/${number}`);
      const reason = known ?? this.#take(record, partition, number);
      last = Math.max(last, number);
      if (reason === undefined) return;
      // It says so each time it is asked, as long as nobody has heard it.
      this.#refusedAt.set(`${partition}/${number}`, reason);
      refused.push({ number, reason });
    });
    this.#last.set(partition, last);
    return refused;
  }

  readonly #refusedAt = new Map<string, string>();
}
