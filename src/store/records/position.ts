/** How far a source or a peer partition has been taken, or which number an outbox gives next. */
import type { WireReader } from "../../base/wire-reader.ts";
import type { WireWriter } from "../../base/wire-writer.ts";
import { decode, encode, named, readInt, writeInt, writeText } from "./codec.ts";

interface PositionRecord {
  readonly source: string;
  readonly next: number;
}

export function encodePosition(source: string, next: number): Uint8Array {
  return encode(writePosition, { source, next });
}

export function decodePosition(bytes: Uint8Array): PositionRecord {
  return decode("position", readPosition, bytes);
}

function writePosition(to: WireWriter, { source, next }: PositionRecord): void {
  writeInt(to, 0x10, next);
  writeText(to, 0x0a, source);
}

function readPosition(from: WireReader): PositionRecord {
  let source = "";
  let next = 0;
  for (let field = from.field(); field !== 0; field = from.field()) {
    if (field === 1) source = from.string("a source");
    else if (field === 2) next = readInt(from, "a position");
    else from.skip();
  }
  return { source: named(source, "source"), next };
}
