import { type Deferred, deferred } from "../../src/base/deferred.ts";
import type { SourceSink } from "../../src/ingress/contract.ts";
import type { SourceBatch, SourceRecord } from "../../src/model/source.ts";

export interface Taken {
  readonly partition: number;
  readonly source: string;
  readonly record: SourceRecord;
}

interface Waiter {
  readonly records: number;
  readonly done: Deferred<void>;
}

/**
 * Partitions in memory: takes in order (I5), commits when told, and forgets what was not committed when told
 * that a partition has failed.
 */
export class FakeSink implements SourceSink {
  readonly partitionCount: number;
  /** What was taken and not forgotten, in the order taken. */
  taken: Taken[] = [];
  /** What was handed over, taken or not. */
  readonly batches: SourceBatch[] = [];
  /** The next so many takes reject. */
  failing = 0;
  readonly #next = new Map<string, number>();
  #committed = new Map<string, number>();
  #committedTaken: Taken[] = [];
  readonly #held = new Map<number, Deferred<void>>();
  #waiters: Waiter[] = [];
  #changed: Deferred<void> = deferred();

  constructor(partitionCount: number) {
    this.partitionCount = partitionCount;
  }

  async position(source: string): Promise<number | undefined> {
    return this.#committed.get(source);
  }

  async durable(source: string): Promise<number | undefined> {
    return this.#committed.get(source);
  }

  async take(partition: number, batch: SourceBatch): Promise<void> {
    this.batches.push(batch);
    if (this.failing > 0) {
      this.failing--;
      throw new Error("the partition cannot take anything now");
    }
    const expected = this.#next.get(batch.source) ?? batch.first;
    if (batch.first > expected) throw new Error(`${batch.source}: ${expected} was expected`);
    for (const record of batch.records) {
      if (record.position < expected) continue;
      this.taken.push({ partition, source: batch.source, record });
    }
    const goesBack = batch.goesBack === true && batch.first === expected;
    this.#next.set(batch.source, goesBack ? batch.next : Math.max(expected, batch.next));
    this.#wake();
    await this.#held.get(partition)?.promise;
  }

  get takes(): number {
    return this.batches.length;
  }

  /** The next position of a source, committed or not. */
  nextOf(source: string): number | undefined {
    return this.#next.get(source);
  }

  commit(): void {
    this.#committed = new Map(this.#next);
    this.#committedTaken = [...this.taken];
  }

  /** Every partition falls back to what is committed. */
  forget(): void {
    this.#next.clear();
    for (const [source, next] of this.#committed) this.#next.set(source, next);
    this.taken = [...this.#committedTaken];
  }

  /** Takes of this partition do not resolve until `release`. */
  hold(partition: number): void {
    this.#held.set(partition, deferred());
  }

  release(partition: number): void {
    this.#held.get(partition)?.resolve();
    this.#held.delete(partition);
  }

  /** Resolves when so many records have been taken. */
  async waitFor(records: number): Promise<void> {
    if (this.taken.length >= records) return;
    const done = deferred<void>();
    this.#waiters.push({ records, done });
    await done.promise;
  }

  /** Resolves when this holds; asked again whenever something was taken. */
  async until(holds: () => boolean): Promise<void> {
    while (!holds()) await this.#changed.promise;
  }

  #wake(): void {
    for (const waiter of this.#waiters) {
      if (this.taken.length >= waiter.records) waiter.done.resolve();
    }
    this.#waiters = this.#waiters.filter((waiter) => this.taken.length < waiter.records);
    this.#changed.resolve();
    this.#changed = deferred();
  }
}
