import { join } from "node:path";
import { crc32 } from "node:zlib";
import { ByteReader, ByteWriter } from "./codec.ts";
import type { FileCache } from "./file-cache.ts";

/**
 * How far a partition was synced, noted in a file of its own now and then: after a sync, without a sync of
 * its own, so it costs little and is never ahead of the truth, only behind. What it covers must be there
 * and whole at the next open; only what is behind it may be the torn end of an unacknowledged append.
 *
 *   file = slot zero* slot      at 0 and at 512: the older one survives a torn write of the newer
 *   slot = u32(crc of the rest) u32(version, 1) u64(sequence) u64(segment base) u64(position) u64(end offset)
 */
export interface SyncedNote {
  /** Base offset of the segment that was last. */
  readonly segment: number;
  /** So many of its bytes were synced. */
  readonly position: number;
  /** The offset behind the last synced record. */
  readonly endOffset: number;
}

const SLOT_BYTES = 4 + 4 + 4 * 8;
const SLOT_POSITIONS = [0, 512] as const;
const NOTE_VERSION = 1;

export const NOTE_FILE = "synced";

export class SyncedNoteFile {
  readonly #cache: FileCache;
  readonly #path: string;
  #sequence = 0;

  constructor(cache: FileCache, directory: string) {
    this.#cache = cache;
    this.#path = join(directory, NOTE_FILE);
  }

  /** Undefined: nothing is known. */
  async read(): Promise<SyncedNote | undefined> {
    const bytes = await this.#cache.use(
      this.#path,
      async (file) => await file.read(0, SLOT_POSITIONS[1] + SLOT_BYTES),
      { create: true },
    );
    let newest: SyncedNote | undefined;
    for (const position of SLOT_POSITIONS) {
      const slot = readSlot(bytes.subarray(position, position + SLOT_BYTES));
      if (slot === undefined || slot.sequence <= this.#sequence) continue;
      this.#sequence = slot.sequence;
      newest = slot.note;
    }
    return newest;
  }

  async write(note: SyncedNote, options: { readonly sync: boolean }): Promise<void> {
    this.#sequence++;
    const slot = slotBytes(this.#sequence, note);
    const position = SLOT_POSITIONS[this.#sequence % 2 === 0 ? 0 : 1];
    await this.#cache.use(
      this.#path,
      async (file) => {
        await file.write(position, slot);
        if (options.sync) await file.sync();
      },
      { create: true },
    );
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
  writer.u32At(crc32(writer.view(4)), 0);
  return writer.view();
}

function readSlot(slot: Buffer): { sequence: number; note: SyncedNote } | undefined {
  if (slot.byteLength < SLOT_BYTES || slot.readUInt32BE(0) !== crc32(slot.subarray(4))) return;
  const reader = new ByteReader(slot, 4);
  if (reader.u32() !== NOTE_VERSION) return undefined;
  const sequence = reader.u64();
  const note = { segment: reader.u64(), position: reader.u64(), endOffset: reader.u64() };
  return { sequence, note };
}
