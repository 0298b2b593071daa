/**
 * Batches of sources that wait until their partition has room for them. It takes one at a time and only
 * while it is below its bound, so that however many sources there are, the bound is passed by one batch at
 * most (I9). Each source has one batch here at a time, so none waits for another's: one that feeds a
 * function whose endpoint is down waits alone (I6).
 */
import { type Deferred, deferred } from "../base/deferred.ts";
import type { StatefoldError } from "../base/errors.ts";
import type { SourceBatch } from "../model/source.ts";

export interface Taker {
  /** Whether there is room for messages to functions of all these types. */
  hasRoomFor(types: ReadonlySet<string>): boolean;
  /** Counts at once in `hasRoomFor`. */
  offer(batch: SourceBatch): void;
}

interface Waiting {
  readonly batch: SourceBatch;
  readonly types: ReadonlySet<string>;
  readonly taken: Deferred<void>;
}

export class SourceQueue {
  /** First come, first asked. */
  readonly #waiting = new Set<Waiting>();

  get size(): number {
    return this.#waiting.size;
  }

  /** Resolves when the batch has been offered; rejects when the partition goes down first. */
  async add(batch: SourceBatch, taker: Taker): Promise<void> {
    const taken = deferred<void>();
    this.#waiting.add({ batch, types: typesOf(batch), taken });
    this.offerTo(taker);
    await taken.promise;
  }

  /** Hands over what there is room for. */
  offerTo(taker: Taker): void {
    for (const waiting of this.#waiting) {
      if (!taker.hasRoomFor(waiting.types)) continue;
      this.#waiting.delete(waiting);
      taker.offer(waiting.batch);
      waiting.taken.resolve();
    }
  }

  rejectAll(error: StatefoldError): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const { taken } of waiting) taken.reject(error);
  }
}

function typesOf({ records }: SourceBatch): ReadonlySet<string> {
  const types = new Set<string>();
  for (const { messages } of records) for (const { target } of messages) types.add(target.type);
  return types;
}
