import type {
  AbortedTransaction,
  NewBatch,
  NewKafkaRecord,
  ProducerSession,
  RecordBatch,
} from "../../../src/kafka/contract.ts";
import { KafkaError } from "../../../src/kafka/error.ts";

/** One partition as a broker keeps it: batches, open transactions, and those that were aborted. */
export class PartitionLog {
  readonly batches: RecordBatch[] = [];
  start = 0;
  /** Batches that came again under their sequence. */
  doubles = 0;
  end = 0;
  /** The first offset of each open transaction, by producer. */
  readonly #open = new Map<bigint, number>();
  readonly #aborted: (AbortedTransaction & { readonly lastOffset: number })[] = [];
  /** The last batches of each producer's epoch, as many as a broker remembers. */
  readonly #recent = new Map<
    string,
    { readonly sequence: number; readonly next: number; at: number }[]
  >();
  /** Of transactions that have ended, by where each of their batches begins: whether they were committed. */
  readonly #fates = new Map<number, boolean>();
  readonly #onChange: () => void;

  constructor(onChange: () => void = () => {}) {
    this.#onChange = onChange;
  }

  /** @param isKept what compaction leaves: the others' offsets stay empty. Default: all */
  append(
    records: readonly NewKafkaRecord[],
    producerId: bigint,
    isTransactional: boolean,
    isKept: (record: NewKafkaRecord) => boolean = () => true,
  ): number {
    const baseOffset = this.end;
    if (isTransactional && !this.#open.has(producerId)) this.#open.set(producerId, baseOffset);
    this.#push({
      baseOffset,
      lastOffset: baseOffset + records.length - 1,
      ...{ producerId, isTransactional, isControl: false },
      records: records.map((record, i) => ({ ...record, offset: baseOffset + i })).filter(isKept),
    });
    return baseOffset;
  }

  /** The same under a sequence: a batch that is there already is not written again. */
  appendOnce(
    { firstSequence, records }: NewBatch,
    { producerId, producerEpoch }: ProducerSession,
    isTransactional: boolean,
  ): number {
    const name = `${producerId}/${producerEpoch}`;
    const recent = this.#recent.get(name) ?? [];
    const known = recent.find(({ sequence }) => sequence === firstSequence);
    if (known !== undefined) {
      this.doubles++;
      return known.at;
    }
    if (firstSequence !== (recent.at(-1)?.next ?? 0)) {
      throw new KafkaError("OUT_OF_ORDER_SEQUENCE_NUMBER", name);
    }
    const at = this.append(records, producerId, isTransactional);
    recent.push({ sequence: firstSequence, next: firstSequence + records.length, at });
    this.#recent.set(name, recent.slice(-5));
    return at;
  }

  /** Writes a transaction's marker, if it wrote anything here. */
  endTransaction(producerId: bigint, isCommit: boolean, nowMs: number): void {
    const firstOffset = this.#open.get(producerId);
    if (firstOffset === undefined) return;
    this.#open.delete(producerId);
    const offset = this.end;
    for (const batch of this.batches) {
      if (batch.producerId !== producerId || batch.baseOffset < firstOffset) continue;
      if (batch.isTransactional) this.#fates.set(batch.baseOffset, isCommit);
    }
    if (!isCommit) this.#aborted.push({ producerId, firstOffset, lastOffset: offset });
    const marker = { offset, timestampMs: nowMs, headers: [] };
    const key = Buffer.from([0, 0, 0, isCommit ? 1 : 0]);
    this.#push({
      ...{ baseOffset: offset, lastOffset: offset, producerId },
      ...{ isTransactional: true, isControl: true },
      records: [{ ...marker, key, value: Buffer.alloc(6) }],
    });
  }

  /** What a consumer must see of a batch below the last stable offset, without looking at any list. */
  isVisible({ baseOffset, isTransactional, isControl }: RecordBatch): boolean {
    return !isControl && (!isTransactional || this.#fates.get(baseOffset) === true);
  }

  get lastStableOffset(): number {
    return Math.min(this.end, ...this.#open.values());
  }

  /** Whole batches from the one that holds `offset` on, up to the last stable offset or the end. */
  read(
    offset: number,
    maxBytes: number,
    until = this.lastStableOffset,
  ): { batches: RecordBatch[]; aborted: AbortedTransaction[] } {
    const batches: RecordBatch[] = [];
    let bytes = 0;
    for (const batch of this.batches) {
      if (batch.lastOffset < offset) continue;
      if (batch.baseOffset >= until) break;
      bytes += bytesOf([batch]);
      if (batches.length > 0 && bytes > maxBytes) break;
      batches.push(batch);
    }
    const last = batches.at(-1)?.lastOffset ?? offset;
    const aborted = this.#aborted
      .filter((one) => one.lastOffset >= offset && one.firstOffset <= last)
      .map(({ producerId, firstOffset }) => ({ producerId, firstOffset }));
    return { batches, aborted };
  }

  /** The batch at an offset cannot be read any more. */
  damage(offset: number): void {
    const at = this.batches.findIndex((batch) => batch.lastOffset >= offset);
    const batch = this.batches[at];
    if (batch === undefined) return;
    const damage = { reason: "it does not match its checksum", bytes: Buffer.from("damaged") };
    this.batches[at] = { ...batch, records: [], damage };
  }

  /** As when a topic is deleted and made anew. */
  clear(): void {
    this.batches.length = 0;
    this.#aborted.length = 0;
    this.#fates.clear();
    this.#recent.clear();
    this.#open.clear();
    this.start = 0;
    this.end = 0;
  }

  /** Retention: what is below is gone. */
  truncate(start: number): void {
    this.start = Math.max(this.start, Math.min(start, this.end));
    while ((this.batches[0]?.lastOffset ?? Infinity) < this.start) this.batches.shift();
  }

  #push(batch: RecordBatch): void {
    this.batches.push(batch);
    this.end = batch.lastOffset + 1;
    this.#onChange();
  }
}

export function bytesOf(batches: readonly RecordBatch[]): number {
  const ofRecords = batches.flatMap(({ records }) => records.map(sizeOf));
  return 61 * batches.length + ofRecords.reduce((sum, bytes) => sum + bytes, 0);
}

function sizeOf({ key, value }: NewKafkaRecord): number {
  return 10 + (key?.byteLength ?? 0) + (value?.byteLength ?? 0);
}
