/**
 * The key layout: what stands where in a partition's store. Tags once given keep their meaning (I8);
 * a retired one stays in the list, marked so.
 *
 *   key      = tag part*
 *   tag      = one byte, see TAGS
 *   text     = its UTF-8 bytes, each 00 written as 00 FF, ended by 00 01
 *   number   = 8 bytes, big-endian, not negative
 *
 *   state    = 'S' text(type) text(id)                       -> State
 *   mail     = 'M' text(type) text(id) number(sequence)      -> Message
 *   timer    = 'T' number(due ms) number(sequence)           -> Timer
 *   token    = 'K' text(sender id) text(token)               -> the timer's key, without its tag
 *   outbox   = 'O' text(destination) number(first number)    -> Outbox
 *   position = 'P' text(source)                              -> Position
 *   once     = 'I' text(type) text(id) text(key)             -> Once
 *   call     = 'C' text(call id)                             -> Call
 *   expiry   = 'E' number(ms) text(kind) bytes(key)          -> nothing; kind is "state", "once" or "call"
 *   parked   = 'X' text(type) text(id)                       -> Parked
 *   dead     = 'D' number(sequence)                          -> Dead
 *   specs    = 'F' text(type)                                -> Specs
 *   meta     = 'A'                                           -> Meta
 *
 * The encoding keeps order: keys sort by tag, then part by part; a text sorts before its extensions.
 *
 *   destination = "partition/" number / "egress/" egress id
 *               / "heir/" number "/" egress id      an egress, under the numbers of a partition that is no more
 *   source      = "peer:" number              a partition, whose channel is taken
 *               / "outbox:" destination       an outbox: the next number to be given
 *               / name "/" number             a partition of a topic
 */
import { utf8Length, writeUtf8 } from "../base/bytes.ts";

export const TAGS = {
  meta: 0x41, // A
  call: 0x43, // C
  dead: 0x44, // D
  expiry: 0x45, // E
  specs: 0x46, // F
  once: 0x49, // I
  token: 0x4b, // K
  mail: 0x4d, // M
  outbox: 0x4f, // O
  position: 0x50, // P
  state: 0x53, // S
  timer: 0x54, // T
  parked: 0x58, // X
} as const;

export type Tag = keyof typeof TAGS;
export type KeyPart = string | number | Uint8Array;

/** The key of `tag` with these parts: texts, numbers, and as last part possibly raw bytes. */
export function keyOf(tag: Tag, ...parts: readonly KeyPart[]): Uint8Array {
  let size = 1;
  for (const part of parts) {
    if (typeof part === "number") size += 8;
    else if (typeof part === "string") size += utf8Length(part) + countZeros(part) + 2;
    else size += part.byteLength;
  }
  const key = Buffer.allocUnsafe(size);
  let at = key.writeUInt8(TAGS[tag], 0);
  for (const part of parts) {
    if (typeof part === "number") at = writeNumber(key, part, at);
    else if (typeof part === "string") at = writeText(key, part, at);
    else at += Buffer.from(part.buffer, part.byteOffset, part.byteLength).copy(key, at);
  }
  return key;
}

/** The first key behind every key that begins with `prefix`: the end of a scan over it. */
export function endOfPrefix(prefix: Uint8Array): Uint8Array {
  for (let i = prefix.byteLength - 1; i >= 0; i--) {
    const byte = prefix[i] ?? 0;
    if (byte === 0xff) continue;
    const end = Buffer.from(prefix.subarray(0, i + 1));
    end[i] = byte + 1;
    return end;
  }
  throw new RangeError("no key is behind this prefix");
}

/** The number that a key ends with, without reading what stands before it. */
export function lastNumberOf(key: Uint8Array): number {
  const view = new DataView(key.buffer, key.byteOffset, key.byteLength);
  return view.getUint32(key.byteLength - 8) * 2 ** 32 + view.getUint32(key.byteLength - 4);
}

/** Reads a key's parts one after the other, after its tag. */
export class KeyReader {
  readonly #key: Uint8Array;
  #at = 1;

  constructor(key: Uint8Array) {
    this.#key = key;
  }

  text(): string {
    const end = this.#key.indexOf(0, this.#at);
    // Nearly always: no zero in it.
    if (end !== -1 && this.#key[end + 1] === 1) {
      const text = utf8(this.#key.subarray(this.#at, end));
      this.#at = end + 2;
      return text;
    }
    return this.#escapedText();
  }

  #escapedText(): string {
    const bytes: number[] = [];
    for (;;) {
      const byte = this.#next();
      if (byte !== 0) bytes.push(byte);
      else if (this.#next() === 0xff) bytes.push(0);
      else return Buffer.from(bytes).toString("utf8");
    }
  }

  number(): number {
    let value = 0;
    for (let i = 0; i < 8; i++) value = value * 256 + this.#next();
    return value;
  }

  rest(): Uint8Array {
    return this.#key.subarray(this.#at);
  }

  #next(): number {
    const byte = this.#key[this.#at++];
    if (byte === undefined) throw new RangeError("a key ends too early");
    return byte;
  }
}

function utf8({ buffer, byteOffset, byteLength }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString("utf8");
}

const PARTITION = "partition/";
const EGRESS = "egress/";
const HEIR = "heir/";
const PEER = "peer:";
const OUTBOX = "outbox:";

export const partitionDestination = (partition: number): string => `${PARTITION}${partition}`;
export const egressDestination = (egress: string): string => `${EGRESS}${egress}`;

/** @param partition the one that gave the numbers, and is no more */
export const heirDestination = (partition: number, egress: string): string =>
  `${HEIR}${partition}/${egress}`;

export type DestinationPlace =
  | { readonly kind: "partition"; readonly partition: number }
  | {
      readonly kind: "egress";
      readonly egress: string;
      /** Undefined: the numbers are those of the partition whose outbox it is. */
      readonly heirOf: number | undefined;
    };

export function placeOfDestination(destination: string): DestinationPlace {
  if (destination.startsWith(EGRESS)) {
    return { kind: "egress", egress: destination.slice(EGRESS.length), heirOf: undefined };
  }
  if (destination.startsWith(HEIR)) {
    const slash = destination.indexOf("/", HEIR.length);
    const heirOf = Number(destination.slice(HEIR.length, slash));
    return { kind: "egress", egress: destination.slice(slash + 1), heirOf };
  }
  return { kind: "partition", partition: Number(destination.slice(PARTITION.length)) };
}

export const peerSource = (partition: number): string => `${PEER}${partition}`;

/** The partition behind a peer's name, or undefined when it is another kind of source. */
export function peerOf(source: string): number | undefined {
  return source.startsWith(PEER) ? Number(source.slice(PEER.length)) : undefined;
}

/** Position records of outboxes share the tag of the sources' under names of their own. */
export const outboxSource = (destination: string): string => `${OUTBOX}${destination}`;

/** The destination whose outbox a position record counts, or undefined when it is another's. */
export function destinationOfPosition(source: string): string | undefined {
  return source.startsWith(OUTBOX) ? source.slice(OUTBOX.length) : undefined;
}

/** A position of a topic's partition, which is read from outside. */
export function isTopicSource(source: string): boolean {
  return !source.startsWith(PEER) && !source.startsWith(OUTBOX);
}

function countZeros(text: string): number {
  let count = 0;
  for (let at = text.indexOf("\0"); at !== -1; at = text.indexOf("\0", at + 1)) count++;
  return count;
}

function writeText(key: Buffer, text: string, start: number): number {
  let at = start;
  if (text.includes("\0")) {
    for (const byte of Buffer.from(text)) {
      key[at++] = byte;
      if (byte === 0) key[at++] = 0xff;
    }
  } else {
    at = writeUtf8(key, at, text, utf8Length(text));
  }
  key[at++] = 0x00;
  key[at++] = 0x01;
  return at;
}

function writeNumber(key: Buffer, value: number, start: number): number {
  if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`not a key number: ${value}`);
  const at = key.writeUInt32BE(Math.floor(value / 2 ** 32), start);
  return key.writeUInt32BE(value % 2 ** 32, at);
}
