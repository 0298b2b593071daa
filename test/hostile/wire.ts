/** Protocol buffers as nobody should write them. */
import type { Rng } from "../support/rng.ts";
import { anyText, anyTextBytes, mangled } from "./words.ts";

export function varint(value: bigint | number, padding = 0): Buffer {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  for (; rest >= 0x80n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  bytes.push(Number(rest));
  for (let i = 0; i < padding; i++) {
    bytes.push((bytes.pop() ?? 0) | 0x80, 0);
  }
  return Buffer.from(bytes);
}

export function tag(field: number, wireType: number): Buffer {
  return varint((field << 3) | wireType);
}

export function delimited(field: number, ...parts: readonly Uint8Array[]): Buffer {
  const length = parts.reduce((sum, part) => sum + part.byteLength, 0);
  return Buffer.concat([tag(field, 2), varint(length), ...parts]);
}

export function text(field: number, value: string): Buffer {
  return delimited(field, Buffer.from(value));
}

export function int(field: number, value: bigint | number): Buffer {
  return Buffer.concat([tag(field, 0), varint(value)]);
}

/** A field as the schema has it: what it is called there, its number and its kind. */
export type Field =
  | { readonly number: number; readonly kind: "text" | "bytes" | "bool" | "int" | "enum" }
  | {
      readonly number: number;
      readonly kind: "message";
      readonly of: Schema;
      readonly often?: number;
    };

export type Schema = readonly Field[];

const INTEGERS: readonly bigint[] = [
  ...[0n, 1n, 2n, 3n, 100n, 127n, 128n, 2n ** 31n - 1n, 2n ** 32n, 2n ** 53n, 2n ** 53n + 1n],
  ...[2n ** 62n, 2n ** 63n - 1n, 2n ** 63n, 2n ** 64n - 1n, -1n, -5n],
];

/** A message of this schema: fields left out, doubled, out of order, of other types, unknown, cut off. */
export function anyMessage(rng: Rng, schema: Schema, malice: number, depth = 0): Buffer {
  const parts: Buffer[] = [];
  for (const field of schema) {
    if (rng.chance(0.03 + malice / 4)) continue;
    const often = field.kind === "message" ? (field.often ?? 1) : 1;
    const times = rng.chance(malice) ? 1 + rng.int(2) : often > 1 ? rng.int(often + 1) : 1;
    for (let i = 0; i < times; i++) parts.push(anyField(rng, field, malice, depth));
  }
  if (rng.chance(malice)) parts.push(unknownField(rng));
  const message = Buffer.concat(rng.chance(malice) ? rng.shuffle(parts) : parts);
  return rng.chance(malice / 8) ? Buffer.from(mangled(rng, message)) : message;
}

function anyField(rng: Rng, field: Field, malice: number, depth: number): Buffer {
  if (rng.chance(malice / 10))
    return Buffer.concat([tag(field.number, rng.int(8)), rng.bytes(rng.int(9))]);
  switch (field.kind) {
    case "text":
      return delimited(field.number, anyTextFor(rng, malice));
    case "bytes":
      return delimited(field.number, rng.bytes(rng.int(30)));
    case "bool":
    case "enum":
    case "int": {
      const value = rng.chance(0.6) ? BigInt(rng.int(3)) : rng.pick(INTEGERS);
      const padding = rng.chance(malice / 4) ? rng.int(4) : 0;
      return Buffer.concat([tag(field.number, 0), varint(value, padding)]);
    }
    case "message":
      return delimited(field.number, anyMessage(rng, field.of, malice, depth + 1));
    default:
      return unknownField(rng);
  }
}

/** Words that mean something to whoever reads them, as a name space, a name, a state or an id. */
const FITTING: readonly string[] = ["demo", "x", "a", "io.statefold", "call"];

function anyTextFor(rng: Rng, malice: number): Uint8Array {
  if (rng.chance(malice / 3)) return anyTextBytes(rng);
  return Buffer.from(rng.chance(0.9) ? rng.pick(FITTING) : anyText(rng));
}

export function unknownField(rng: Rng): Buffer {
  const number = rng.pick([0, 5, 6, 7, 99, 102, 1000, 5000, 19_000, 2 ** 28]);
  switch (rng.int(7)) {
    case 0:
      return int(number, rng.pick(INTEGERS));
    case 1:
      return Buffer.concat([tag(number, 1), rng.bytes(8)]);
    case 2:
      return Buffer.concat([tag(number, 5), rng.bytes(4)]);
    case 3:
      return Buffer.concat([tag(number, 3), int(1, 1), tag(number, 4)]);
    case 4:
      return Buffer.concat([tag(number, 2), varint(rng.pick(INTEGERS))]);
    case 5:
      return Buffer.concat(Array.from({ length: 1 + rng.int(200) }, () => tag(number, 3)));
    default:
      return delimited(number, rng.bytes(rng.int(40)));
  }
}

const ENTRY: Schema = [
  { number: 1, kind: "text" },
  { number: 2, kind: "bytes" },
];
const ADDRESS: Schema = [
  { number: 1, kind: "text" },
  { number: 2, kind: "text" },
  { number: 3, kind: "text" },
];
const VALUE: Schema = [
  { number: 1, kind: "text" },
  { number: 2, kind: "bool" },
  { number: 3, kind: "bytes" },
  { number: 4, kind: "message", of: ENTRY, often: 2 },
];
const RESULT: Schema = [
  {
    ...{ number: 1, kind: "message", often: 2 },
    of: [
      { number: 1, kind: "enum" },
      { number: 2, kind: "text" },
      { number: 3, kind: "message", of: VALUE },
    ],
  },
  {
    ...{ number: 2, kind: "message", often: 3 },
    of: [
      { number: 1, kind: "message", of: ADDRESS },
      { number: 2, kind: "message", of: VALUE },
    ],
  },
  {
    ...{ number: 3, kind: "message", often: 2 },
    of: [
      { number: 1, kind: "int" },
      { number: 2, kind: "message", of: ADDRESS },
      { number: 3, kind: "message", of: VALUE },
      { number: 10, kind: "bool" },
      { number: 11, kind: "text" },
    ],
  },
  {
    ...{ number: 4, kind: "message", often: 2 },
    of: [
      { number: 1, kind: "text" },
      { number: 2, kind: "text" },
      { number: 3, kind: "message", of: VALUE },
    ],
  },
];
const INCOMPLETE: Schema = [
  {
    ...{ number: 1, kind: "message", often: 3 },
    of: [
      { number: 1, kind: "text" },
      {
        ...{ number: 2, kind: "message" },
        of: [
          { number: 1, kind: "enum" },
          { number: 2, kind: "int" },
        ],
      },
      { number: 3, kind: "text" },
    ],
  },
];

/** A FromFunction: mostly a result, sometimes incomplete, both, or neither. */
export function anyFromFunction(rng: Rng, malice: number): Buffer {
  const result: Field = { number: 100, kind: "message", of: RESULT };
  const incomplete: Field = { number: 101, kind: "message", of: INCOMPLETE };
  const members = rng.pick([
    [result],
    [result],
    [result],
    [incomplete],
    [result, incomplete],
    [incomplete, result, result],
    [],
  ]);
  return anyMessage(rng, members, malice);
}

const INVOCATION: Schema = [
  { number: 1, kind: "message", of: ADDRESS },
  { number: 2, kind: "message", of: VALUE },
  { number: 1000, kind: "text" },
  { number: 1001, kind: "int" },
  { number: 1002, kind: "int" },
  { number: 1003, kind: "text" },
  { number: 1004, kind: "message", of: ENTRY, often: 2 },
];
const TO_FUNCTION: Schema = [
  {
    ...{ number: 100, kind: "message" },
    of: [
      { number: 1, kind: "message", of: ADDRESS },
      {
        ...{ number: 2, kind: "message", often: 3 },
        of: [
          { number: 1, kind: "text" },
          { number: 2, kind: "message", of: VALUE },
        ],
      },
      { number: 3, kind: "message", of: INVOCATION, often: 3 },
    ],
  },
];

export function anyToFunction(rng: Rng, malice: number): Buffer {
  return anyMessage(rng, TO_FUNCTION, malice);
}
