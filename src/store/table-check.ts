import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { crc32c } from "../base/crc32c.ts";
import { corrupt } from "./level-errors.ts";
import { unsnappy } from "../base/snappy.ts";

/**
 * Checks LevelDB's tables from outside. LevelDB writes a checksum with every block, and this binding
 * never compares it: what is damaged is read as a wrong value (seal.ts finds that), as a key that is
 * not there, or ends the whole process by an assertion in native code, without a word that helps.
 *
 *   table  = block* footer            data blocks, filter, metaindex, index
 *   block  = content type crc         type: 0 plain, 1 snappy; crc: masked CRC-32C of content and type
 *   index  = entry* restart* count    restart, count: 4 bytes
 *   entry  = varint(shared) varint(own) varint(value) key handle
 *   handle = varint(offset) varint(size), the size without type and crc
 *   footer = handle(metaindex) handle(index) padding magic, 48 bytes
 */
const FOOTER_BYTES = 48;
const TRAILER_BYTES = 5;
const MAGIC = Buffer.from("57fb808b247547db", "hex");

export interface CheckOptions {
  /** Tables are checked when together they have at most so many bytes. Default: no bound. */
  readonly maxBytes?: number;
}

/**
 * @param dir one LevelDB's directory; nothing may write to it meanwhile
 * @returns the bytes checked: 0 when there are more than `maxBytes`
 * @throws StatefoldError STORE_CORRUPT naming the file and the place
 */
export async function checkTables(dir: string, options: CheckOptions = {}): Promise<number> {
  const { maxBytes = Number.POSITIVE_INFINITY } = options;
  const names = (await readdir(dir)).filter((name) => /\.(ldb|sst)$/.test(name)).sort();
  let bytes = 0;
  for (const name of names) bytes += (await stat(join(dir, name))).size;
  if (bytes > maxBytes) return 0;
  for (const name of names) {
    const path = join(dir, name);
    try {
      checkTable(await readFile(path));
    } catch (error) {
      throw corrupt(dir, `the table ${path} is damaged`, { cause: error });
    }
  }
  return bytes;
}

interface Handle {
  readonly offset: number;
  readonly size: number;
}

/** @throws RangeError saying where */
function checkTable(table: Uint8Array): void {
  const footer = table.subarray(Math.max(0, table.byteLength - FOOTER_BYTES));
  if (!MAGIC.equals(footer.subarray(FOOTER_BYTES - MAGIC.byteLength))) {
    throw new RangeError("it does not end as a table does");
  }
  const reader = new VarintReader(footer);
  const metaindex = reader.handle();
  const index = reader.handle();
  for (const list of [metaindex, index]) {
    for (const handle of handlesIn(readBlock(table, list))) checkedBlock(table, handle);
  }
}

/** The content and type of a block whose checksum holds. */
function checkedBlock(table: Uint8Array, { offset, size }: Handle): Uint8Array {
  const end = offset + size + 1;
  if (end + 4 > table.byteLength - FOOTER_BYTES) {
    throw new RangeError(`the block at ${offset} lies outside the file`);
  }
  const block = table.subarray(offset, end);
  const view = new DataView(table.buffer, table.byteOffset + end, TRAILER_BYTES - 1);
  if (masked(crc32c(block)) !== view.getUint32(0, true)) {
    throw new RangeError(`the block at ${offset} fails its checksum`);
  }
  return block;
}

function readBlock(table: Uint8Array, handle: Handle): Uint8Array {
  const block = checkedBlock(table, handle);
  const content = block.subarray(0, handle.size);
  return block[handle.size] === 1 ? unsnappy(content) : content;
}

/** The handles that the entries of an index or metaindex hold. */
function handlesIn(content: Uint8Array): Handle[] {
  const view = new DataView(content.buffer, content.byteOffset, content.byteLength);
  const restarts = view.getUint32(content.byteLength - 4, true);
  const reader = new VarintReader(content.subarray(0, content.byteLength - 4 * restarts - 4));
  const handles: Handle[] = [];
  while (!reader.atEnd) {
    reader.varint(); // shared with the key before
    const ownBytes = reader.varint();
    reader.varint(); // the value's length: a handle says it itself
    reader.skip(ownBytes);
    handles.push(reader.handle());
  }
  return handles;
}

/** So that a sum over bytes which hold sums is not itself degenerate. */
function masked(crc: number): number {
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}

class VarintReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get atEnd(): boolean {
    return this.#at >= this.#bytes.byteLength;
  }

  varint(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.#bytes[this.#at++];
      if (byte === undefined) throw new RangeError("an index ends too early");
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  }

  handle(): Handle {
    return { offset: this.varint(), size: this.varint() };
  }

  skip(bytes: number): void {
    this.#at += bytes;
  }
}
