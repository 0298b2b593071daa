import { writeBatch } from "./batch.ts";
import { ByteWriter } from "./codec.ts";
import { writeFrame } from "./frame.ts";
import { type AppendResult, type NewRecord, type Producer, recordBytes } from "./record.ts";
import type { PartitionState } from "./recovery.ts";
import type { Segment } from "./segment.ts";

/** An append is cut into batches of about this size, so that reading one record reads little. */
const BATCH_BYTES = 256 * 1024;

/** Producers a partition remembers. One more is refused; they stand in every segment's head. */
export const MAX_PRODUCERS = 16_384;

/** One write in the making: it changes the state only when it is committed, after its sync. */
export class GroupDraft {
  readonly #state: PartitionState;
  readonly #active: Segment;
  readonly #nowMs: number;
  readonly #writer = new ByteWriter(4096);
  readonly #marks = new Map<string, number>();
  readonly #batches: { readonly base: number; readonly position: number }[] = [];
  #endOffset: number;

  constructor(state: PartitionState, active: Segment, nowMs: number) {
    this.#state = state;
    this.#active = active;
    this.#nowMs = nowMs;
    this.#endOffset = state.endOffset;
  }

  get bytes(): Buffer {
    return this.#writer.view();
  }

  /** Undefined: refused, there are too many producers. */
  add(records: readonly NewRecord[], producer: Producer | undefined): AppendResult | undefined {
    const firstOffset = this.#endOffset;
    let skipped = 0;
    if (producer !== undefined) {
      const mark = this.#marks.get(producer.id) ?? this.#state.marks.get(producer.id);
      if (mark === undefined && this.#state.marks.size + this.#marks.size >= MAX_PRODUCERS) return;
      skipped = producer.numbers.filter((number) => mark !== undefined && number <= mark).length;
      const last = producer.numbers.at(-1);
      if (skipped < records.length && last !== undefined) this.#marks.set(producer.id, last);
    }
    for (let from = skipped; from < records.length; ) {
      const until = batchEnd(records, from);
      this.#writeBatch(records.slice(from, until), producer, from, until);
      from = until;
    }
    return { firstOffset, count: records.length - skipped, skipped };
  }

  commit(): void {
    for (const { base, position } of this.#batches) this.#active.index?.add(base, position);
    for (const [id, number] of this.#marks) this.#state.marks.set(id, number);
    this.#active.dataEnd += this.#writer.length;
    this.#state.endOffset = this.#endOffset;
  }

  #writeBatch(
    records: readonly NewRecord[],
    producer: Producer | undefined,
    from: number,
    until: number,
  ): void {
    const synced = this.#active.dataEnd;
    const position = synced + this.#writer.length;
    const base = this.#endOffset;
    const own =
      producer === undefined
        ? undefined
        : { id: producer.id, numbers: producer.numbers.slice(from, until) };
    writeFrame(this.#writer, "batch", position, (writer) => {
      writeBatch(writer, { synced, base, records, producer: own, nowMs: this.#nowMs });
    });
    this.#batches.push({ base, position });
    this.#endOffset += records.length;
  }
}

function batchEnd(records: readonly NewRecord[], from: number): number {
  let bytes = 0;
  for (let i = from; i < records.length; i++) {
    const record = records[i];
    bytes += record === undefined ? 0 : recordBytes(record);
    if (bytes > BATCH_BYTES) return Math.max(i, from + 1);
  }
  return records.length;
}
