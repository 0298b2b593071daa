import { ByteReader, type ByteWriter } from "./codec.ts";

/** A read starts at most so many bytes before what it is after, and a batch. */
export const INDEX_INTERVAL_BYTES = 64 * 1024;

/**
 * Where in a segment which offsets stand: one entry every so many bytes. Held in memory for the segment
 * that grows, written as the last frame of a segment when it is closed:
 *
 *   index = varint(count) (varint(offset - the one before) varint(position - the one before))*
 */
export class SparseIndex {
  readonly #offsets: number[] = [];
  readonly #positions: number[] = [];

  /** Tells of a batch; kept when it is far enough behind the last one kept. */
  add(offset: number, position: number): void {
    const last = this.#positions.at(-1);
    if (last !== undefined && position - last < INDEX_INTERVAL_BYTES) return;
    this.#offsets.push(offset);
    this.#positions.push(position);
  }

  /** Where a batch begins that is not behind the one with `offset`; undefined: at the first batch. */
  positionBefore(offset: number): number | undefined {
    let low = 0;
    let high = this.#offsets.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#offsets[middle] ?? 0) <= offset) low = middle + 1;
      else high = middle;
    }
    return low === 0 ? undefined : this.#positions[low - 1];
  }

  write(writer: ByteWriter): void {
    writer.varint(this.#offsets.length);
    let offset = 0;
    let position = 0;
    this.#offsets.forEach((own, i) => {
      const ownPosition = this.#positions[i] ?? position;
      writer.varint(own - offset);
      writer.varint(ownPosition - position);
      offset = own;
      position = ownPosition;
    });
  }

  static read(body: Buffer): SparseIndex {
    const reader = new ByteReader(body);
    const index = new SparseIndex();
    let offset = 0;
    let position = 0;
    for (let left = reader.varint(); left > 0; left--) {
      offset += reader.varint();
      position += reader.varint();
      index.#offsets.push(offset);
      index.#positions.push(position);
    }
    return index;
  }
}
