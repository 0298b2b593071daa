import { crc32 } from "node:zlib";
import { isAbsent } from "../base/system-error.ts";
import { ByteReader, ByteWriter } from "./codec.ts";
import type { FileCache } from "./file-cache.ts";
import { corrupt } from "./segment.ts";

/**
 * How far a partition was synced, noted in a file of its own now and then: after a sync, without a sync of
 * its own, so it costs little and is never ahead of the truth, only behind. What it covers must be there
 * and whole at the next open; only what is behind it may be the torn end of an unacknowledged append.
 *
 * It lies apart from the topic, below witness/topics/: so a topic that is missing, or was put back from an
 * older copy, is noticed. It is made with the topic and never anew.
 *
 *   file = slot zero* slot      at 0 and at 512: the older one survives a torn write of the newer
 *   slot = u32(crc of the rest) u32(version, 2) u64(sequence) u64(segment base) u64(position) u64(end offset) u64(created ms)
 *
 * Version 1 lacked the last.
 */
export interface SyncedNote {
  /** Base offset of the segment that was last. */
  readonly segment: number;
  /** So many of its bytes were synced. */
  readonly position: number;
  /** The offset behind the last synced record. */
  readonly endOffset: number;
  /** When that segment was made: that of another data directory is another one. */
  readonly createdAtMs: number;
}

const SLOT_BYTES = 4 + 4 + 5 * 8;
const SLOT_POSITIONS = [0, 512] as const;
const NOTE_VERSION = 2;

const MISSING =
  "It cannot be told whether the partition's records are complete, so it stays closed. Restore the file; an empty file in its place says that they are to be believed as they are";

export class SyncedNoteFile {
  readonly #cache: FileCache;
  readonly #path: string;
  #sequence = 0;

  constructor(cache: FileCache, path: string) {
    this.#cache = cache;
    this.#path = path;
  }

  /** Makes the file, or replaces it, with both slots; durable but for its name in its folder. */
  async create(note: SyncedNote): Promise<void> {
    await this.#cache.use(this.#path, (file) => file.truncate(0), { create: true });
    await this.write(note, { sync: true });
    await this.write(note, { sync: true });
  }

  /**
   * Undefined: nothing is known, since a loss of power tore both slots. LOG_CORRUPT when there is no file.
   */
  async read(): Promise<SyncedNote | undefined> {
    const bytes = await this.#readBytes();
    let newest: SyncedNote | undefined;
    for (const position of SLOT_POSITIONS) {
      const slot = readSlot(bytes.subarray(position, position + SLOT_BYTES));
      if (slot === undefined || slot.sequence <= this.#sequence) continue;
      this.#sequence = slot.sequence;
      newest = slot.note;
    }
    return newest;
  }

  async #readBytes(): Promise<Buffer> {
    try {
      const length = SLOT_POSITIONS[1] + SLOT_BYTES;
      return await this.#cache.use(this.#path, (file) => file.read(0, length));
    } catch (error) {
      if (!isAbsent(error)) throw error;
      const what = "the file is missing that says how far the partition was synced";
      throw corrupt(this.#path, undefined, what, MISSING);
    }
  }

  async write(note: SyncedNote, options: { readonly sync: boolean }): Promise<void> {
    this.#sequence++;
    const slot = slotBytes(this.#sequence, note);
    const position = SLOT_POSITIONS[this.#sequence % 2 === 0 ? 0 : 1];
    await this.#cache.use(this.#path, async (file) => {
      await file.write(position, slot);
      if (options.sync) await file.sync();
    });
  }
}

function slotBytes(sequence: number, note: SyncedNote): Buffer {
  const writer = new ByteWriter(SLOT_BYTES);
  writer.u32(0);
  writer.u32(NOTE_VERSION);
  writer.u64(sequence);
  writer.u64(note.segment);
  writer.u64(note.position);
  writer.u64(note.endOffset);
  writer.u64(note.createdAtMs);
  writer.u32At(crc32(writer.view(4)), 0);
  return writer.view();
}

function readSlot(slot: Buffer): { sequence: number; note: SyncedNote } | undefined {
  if (slot.byteLength < SLOT_BYTES || slot.readUInt32BE(0) !== crc32(slot.subarray(4))) return;
  const reader = new ByteReader(slot, 4);
  if (reader.u32() !== NOTE_VERSION) return undefined;
  const sequence = reader.u64();
  const [segment, position, endOffset] = [reader.u64(), reader.u64(), reader.u64()];
  const note = { segment, position, endOffset, createdAtMs: reader.u64() };
  return { sequence, note };
}
