import { blockChecksum } from "../base/crc32c.ts";
import { unsnappy } from "../base/snappy.ts";
import { ByteCursor } from "./byte-cursor.ts";

/**
 * LevelDB's tables, read from outside. LevelDB writes a checksum with every block, and this binding
 * never compares it: what is damaged is read as a wrong value (seal.ts finds that), as a key that is
 * not there, or ends the whole process by an assertion in native code, without a word that helps.
 *
 *   table  = block* footer            data blocks, filter, metaindex, index
 *   block  = content type crc         type: 0 plain, 1 snappy; crc: masked CRC-32C of content and type
 *   content = entry* restart* count   restart, count: 4 bytes
 *   entry  = varint(shared) varint(own) varint(value) key value
 *   handle = varint(offset) varint(size), the size without type and crc; values of index and metaindex
 *   footer = handle(metaindex) handle(index) padding magic, 48 bytes
 *
 * The keys of data blocks are internal ones: the key, then 8 bytes of sequence and kind.
 */
const FOOTER_BYTES = 48;
const MAGIC = Buffer.from("57fb808b247547db", "hex");
const SUFFIX_BYTES = 8;
const VALUE = 1;

export interface TableWrite {
  /** As the store's user wrote it. */
  readonly key: Uint8Array;
  readonly sequence: number;
  /** Undefined: the key was deleted. */
  readonly value: Uint8Array | undefined;
}

interface Handle {
  readonly offset: number;
  readonly size: number;
}

/** A whole table in memory: 2 MiB, or as much as one value and what is around it. */
export class LevelTable {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #metaindex: Handle;
  /** Of the data blocks, in order. */
  readonly #data: readonly Handle[];

  /** @throws RangeError when its footer or index is damaged */
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const footer = bytes.subarray(Math.max(0, bytes.byteLength - FOOTER_BYTES));
    if (!MAGIC.equals(footer.subarray(FOOTER_BYTES - MAGIC.byteLength))) {
      throw new RangeError("it does not end as a table does");
    }
    const cursor = new ByteCursor(footer);
    this.#metaindex = readHandle(cursor);
    this.#data = this.#handlesIn(readHandle(cursor));
  }

  /**
   * Compares every checksum, and the first and last key with those the manifest gives: another table in
   * its place is whole, too.
   *
   * @throws RangeError saying where
   */
  check(smallest: Uint8Array, largest: Uint8Array): void {
    for (const handle of this.#handlesIn(this.#metaindex)) this.#checked(handle);
    for (const handle of this.#data.slice(1, -1)) this.#checked(handle);
    const [first, last] = [this.#data[0], this.#data.at(-1)];
    if (first === undefined || last === undefined) throw new RangeError("it holds nothing");
    const [firstKey] = keysIn(this.#content(first));
    const lastKey = [...keysIn(this.#content(last))].at(-1);
    if (!isSame(firstKey?.key, smallest) || !isSame(lastKey?.key, largest)) {
      throw new RangeError("its keys are not those of the table that belongs here");
    }
  }

  /**
   * Its writes in order of their keys, those of one key from the latest to the first.
   *
   * @throws RangeError as `check` does, at the block it comes to
   */
  *writes(): Generator<TableWrite> {
    for (const handle of this.#data) {
      for (const { key: internal, value } of keysIn(this.#content(handle))) {
        const { key, sequence, isValue } = splitInternal(internal);
        yield { key, sequence, value: isValue ? value : undefined };
      }
    }
  }

  /** The content and type of a block whose checksum holds. */
  #checked({ offset, size }: Handle): Uint8Array {
    const end = offset + size + 1;
    if (end + 4 > this.#bytes.byteLength - FOOTER_BYTES) {
      throw new RangeError(`the block at ${offset} lies outside the file`);
    }
    const block = this.#bytes.subarray(offset, end);
    if (blockChecksum(block) !== this.#view.getUint32(end, true)) {
      throw new RangeError(`the block at ${offset} fails its checksum`);
    }
    return block;
  }

  #content(handle: Handle): Uint8Array {
    const block = this.#checked(handle);
    const content = block.subarray(0, handle.size);
    return block[handle.size] === 1 ? unsnappy(content) : content;
  }

  #handlesIn(list: Handle): Handle[] {
    const cursor = entriesOf(this.#content(list));
    const handles: Handle[] = [];
    while (!cursor.atEnd) {
      cursor.varint();
      const ownBytes = cursor.varint();
      cursor.varint();
      cursor.skip(ownBytes);
      handles.push(readHandle(cursor)); // all there is in a value
    }
    return handles;
  }
}

/** A table's smallest and largest key in the manifest, and the keys within it, are internal ones. */
export function splitInternal(internal: Uint8Array) {
  const end = internal.byteLength - SUFFIX_BYTES;
  if (end < 0) throw new RangeError("a key is too short");
  const suffix = new ByteCursor(internal, end);
  const isValue = suffix.byte() === VALUE;
  let sequence = 0;
  for (let scale = 1; !suffix.atEnd; scale *= 256) sequence += suffix.byte() * scale;
  return { key: internal.subarray(0, end), sequence, isValue };
}

function* keysIn(content: Uint8Array): Generator<{ key: Uint8Array; value: Uint8Array }> {
  const cursor = entriesOf(content);
  let key: Uint8Array = new Uint8Array(0);
  while (!cursor.atEnd) {
    const shared = cursor.varint();
    const ownBytes = cursor.varint();
    const valueBytes = cursor.varint();
    const own = cursor.take(ownBytes);
    key = shared === 0 ? own : Buffer.concat([key.subarray(0, shared), own]);
    yield { key, value: cursor.take(valueBytes) };
  }
}

/** At the first entry of a block, and no further than its last. */
function entriesOf(content: Uint8Array): ByteCursor {
  const view = new DataView(content.buffer, content.byteOffset, content.byteLength);
  const restarts = view.getUint32(content.byteLength - 4, true);
  return new ByteCursor(content.subarray(0, Math.max(0, content.byteLength - 4 * restarts - 4)));
}

function readHandle(cursor: ByteCursor): Handle {
  return { offset: cursor.varint(), size: cursor.varint() };
}

function isSame(a: Uint8Array | undefined, b: Uint8Array): boolean {
  return a !== undefined && Buffer.compare(a, b) === 0;
}
