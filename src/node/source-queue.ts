/**
 * Batches of sources that wait until their partition has room. It takes one at a time and only while it
 * is below its bound, so that however many sources there are, the bound is passed by one batch at most
 * (I9). Each source has one batch here at a time.
 */
import { type Deferred, deferred } from "../base/deferred.ts";
import type { StatefoldError } from "../base/errors.ts";
import { Queue } from "../base/queue.ts";
import type { SourceBatch } from "../model/source.ts";

export interface Taker {
  readonly isFull: boolean;
  /** Counts at once in `isFull`. */
  offer(batch: SourceBatch): void;
}

export class SourceQueue {
  readonly #waiting = new Queue<{ readonly batch: SourceBatch; readonly taken: Deferred<void> }>();

  get size(): number {
    return this.#waiting.size;
  }

  /** Resolves when the batch has been offered; rejects when the partition goes down first. */
  async add(batch: SourceBatch, taker: Taker): Promise<void> {
    const taken = deferred<void>();
    this.#waiting.push({ batch, taken });
    this.offerTo(taker);
    await taken.promise;
  }

  /** Hands over what there is room for, first come, first served. */
  offerTo(taker: Taker): void {
    while (this.#waiting.size > 0 && !taker.isFull) {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      taker.offer(next.batch);
      next.taken.resolve();
    }
  }

  rejectAll(error: StatefoldError): void {
    for (const { taken } of this.#waiting.take()) taken.reject(error);
  }
}
