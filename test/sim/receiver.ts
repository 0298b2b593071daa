import assert from "node:assert/strict";
import type { EgressEffect } from "../../src/store/records.ts";
import type { Trace } from "./functions.ts";

/**
 * The egress of the simulation: remembers the last number of each partition, takes the next, ignores
 * lower ones, and takes no gap (I5). It survives every crash.
 */
export class Receiver {
  readonly taken: Trace[] = [];
  readonly #last = new Map<number, number>();

  /** Returns the number up to which it has everything. */
  take(partition: number, first: number, records: readonly EgressEffect[]): number {
    let last = this.#last.get(partition) ?? 0;
    assert(first <= last + 1, `egress numbers ${last + 1} to ${first - 1} are missing`);
    records.forEach((record, i) => {
      if (first + i <= last) return;
      last = first + i;
      this.taken.push(JSON.parse(Buffer.from(record.value.value).toString()));
    });
    this.#last.set(partition, last);
    return last;
  }
}
