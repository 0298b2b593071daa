/** All states of one address. */
import { Few } from "../../base/few.ts";
import { roomToPack } from "../../base/packed.ts";
import type { WireReader } from "../../base/wire-reader.ts";
import type { WireWriter } from "../../base/wire-writer.ts";
import { stateEntryAround, stateEntryName } from "../../model/persisted-value.ts";
import { decode, encode, readInt, writeInt, writeText } from "./codec.ts";

export interface StateRecord {
  /** Encoded entries, see persisted-value.ts; each holds a value. */
  readonly entries: Few<Uint8Array>;
  /** When a value ends, ms since the epoch; names not in it never do. */
  readonly expiries: Few<number>;
  /** The time under which the address stands in the expiry index; 0 when it does not. */
  sweepAtMs: number;
}

export function encodeState(state: StateRecord): Uint8Array {
  // Most have one value that never expires: then its bytes are all there is to write.
  const entries = state.entries.values();
  const [only] = entries;
  const isPlain = entries.length === 1 && state.expiries.size === 0 && state.sweepAtMs === 0;
  return isPlain && only !== undefined ? only : encode(writeState, state);
}

/** The entries are copied out of `bytes`, so that a long-lived state does not pin a read buffer. */
export function decodeState(bytes: Uint8Array): StateRecord {
  return decode("state", readState, bytes);
}

function writeState(to: WireWriter, state: StateRecord): void {
  for (const entry of state.entries.values().reverse()) to.raw(entry);
  writeInt(to, 0x18, state.sweepAtMs);
  for (const [name, atMs] of [...state.expiries].reverse()) {
    const mark = to.mark();
    writeInt(to, 0x10, atMs);
    writeText(to, 0x0a, name);
    to.message(0x0a, mark);
  }
}

/** Most states are one short value that never expires: then these are its bytes, and no others. */
function onlyEntry(bytes: Uint8Array): StateRecord | undefined {
  if (bytes[0] !== STATE_VALUES || bytes[1] !== bytes.byteLength - 2 || bytes[1] >= 0x80) {
    return undefined;
  }
  const entry = roomToPack(bytes.byteLength);
  entry.set(bytes);
  const state = { entries: new Few<Uint8Array>(), expiries: new Few<number>(), sweepAtMs: 0 };
  state.entries.set(stateEntryName(entry), entry);
  return state;
}

/** Tag of field 2, whose bytes follow. */
const STATE_VALUES = 0x12;

function readState(from: WireReader, bytes: Uint8Array): StateRecord {
  const plain = onlyEntry(bytes);
  if (plain !== undefined) return plain;
  const state = { entries: new Few<Uint8Array>(), expiries: new Few<number>(), sweepAtMs: 0 };
  for (let field = from.field(); field !== 0; field = from.field()) {
    if (field === 1) {
      const { name, atMs } = from.message("a value's expiry", readExpiry);
      state.expiries.set(name, atMs);
    } else if (field === 2) {
      const entry = stateEntryAround(from.bytes("a value"));
      state.entries.set(stateEntryName(entry), entry);
    } else if (field === 3) state.sweepAtMs = readInt(from, "the time of a sweep");
    else from.skip();
  }
  return state;
}

function readExpiry(from: WireReader): { readonly name: string; readonly atMs: number } {
  let name = "";
  let atMs = 0;
  for (let field = from.field(); field !== 0; field = from.field()) {
    if (field === 1) name = from.string("the name of what expires");
    else if (field === 2) atMs = readInt(from, "an expiry");
    else from.skip();
  }
  return { name, atMs };
}
