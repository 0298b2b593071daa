import type { BatchDamage, FetchedPartition, KafkaRecord, RecordBatch } from "./contract.ts";

export interface CommittedRecords {
  /** From the offset asked for on, without those of aborted transactions, and without markers. */
  readonly records: readonly KafkaRecord[];
  /** Behind everything that was fetched, whether it counts or not. */
  readonly next: number;
  /** There are no records: what stands there cannot be read. */
  readonly damage: BatchDamage | undefined;
}

/**
 * The committed records in what one fetch brought. A broker sends nothing of open transactions, but all
 * that belongs to aborted ones, with a list of those: by producer, from an offset on until that producer's
 * next abort marker. The list is in no order, and a producer may be in it several times.
 *
 * A batch that cannot be read is a run by itself, and ends the one before it: it may have been a marker, so
 * what follows is judged by a fetch of its own, whose list begins behind it.
 *
 * The same as Java's consumer does; a marker is known by its batch's attribute, whatever its key.
 */
export function readCommitted(
  fetched: Pick<FetchedPartition, "batches" | "aborted">,
  from: number,
): CommittedRecords {
  const aborted = new AbortedTransactions(fetched.aborted);
  const records: KafkaRecord[] = [];
  let next = from;
  for (const batch of fetched.batches) {
    if (batch.damage !== undefined) {
      if (next > from) break;
      return { records, next: Math.max(from, batch.lastOffset) + 1, damage: batch.damage };
    }
    next = Math.max(next, batch.lastOffset + 1);
    if (!aborted.leave(batch)) continue;
    for (const record of batch.records) if (record.offset >= from) records.push(record);
  }
  return { records, next, damage: undefined };
}

/** Which producers are within an aborted transaction, as one goes from batch to batch. */
class AbortedTransactions {
  readonly #coming: FetchedPartition["aborted"];
  readonly #aborting = new Set<bigint>();
  #at = 0;

  constructor(aborted: FetchedPartition["aborted"]) {
    this.#coming = aborted.toSorted((a, b) => a.firstOffset - b.firstOffset);
  }

  /** Whether they leave the next batch its records: it is no marker, and not part of what was aborted. */
  leave(batch: RecordBatch): boolean {
    let begun = this.#coming[this.#at];
    while (begun !== undefined && begun.firstOffset <= batch.lastOffset) {
      this.#aborting.add(begun.producerId);
      begun = this.#coming[++this.#at];
    }
    if (batch.isControl) {
      if (isAbort(batch)) this.#aborting.delete(batch.producerId);
      return false;
    }
    return !(batch.isTransactional && this.#aborting.has(batch.producerId));
  }
}

/** A marker's key: `int16(version) int16(0 abort, 1 commit)`. */
export function isAbort(batch: RecordBatch): boolean {
  const key = batch.records[0]?.key;
  return key !== undefined && key.byteLength >= 4 && key[2] === 0 && key[3] === 0;
}
