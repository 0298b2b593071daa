/** Texts, bytes and numbers that break readers. */
import type { Rng } from "../support/rng.ts";

const TEXTS: readonly string[] = [
  ...[
    "",
    " ",
    "\0",
    "a\0b",
    ".",
    "..",
    "../..",
    "../../../../etc/passwd",
    "/",
    "//",
    "\\",
    "..\\..",
  ],
  ...[
    "%",
    "%00",
    "%2F",
    "%2e%2e",
    "%zz",
    "%c0%af",
    "+",
    "?",
    "#",
    "&",
    "=",
    "a/b",
    "a/b/c",
    "~",
    "*",
  ],
  ...["__proto__", "constructor", "prototype", "toString", "hasOwnProperty", "valueOf", "then"],
  ...["null", "undefined", "NaN", "Infinity", "true", "-0", "0x10", "1e999", "9".repeat(40), "-1"],
  ...["\u202e", "\ufeff", "\ufffd", "\u{1f600}", "e\u0301", "\u212a", "\u0130", "\ud800", "\udfff"],
  ...[
    "\r\n",
    "\n",
    "\t",
    "\x1b[2J",
    "'",
    '"',
    "`",
    "<script>",
    "$" + "{HOME}",
    "{{x}}",
    "a".repeat(300),
  ],
  ...["CON", "nul", "lpt1.txt", ".hidden", "trailing.", "-rf", "--help", "io.statefold/call"],
];

const LONG: readonly number[] = [256, 1_024, 4_096, 4_097, 10_000, 70_000];

/** Any text: often a nasty one, sometimes two, a long one, or noise. */
export function anyText(rng: Rng): string {
  switch (rng.int(8)) {
    case 0:
      return rng.pick(TEXTS) + rng.pick(TEXTS);
    case 1:
      return rng.pick(["a", "\u20ac", "\0", "/", "%"]).repeat(rng.pick(LONG));
    case 2:
      return Buffer.from(rng.bytes(rng.int(20))).toString("latin1");
    case 3:
      return `${rng.pick(["a", "demo", "x"])}${rng.int(100)}`;
    default:
      return rng.pick(TEXTS);
  }
}

/** Bytes that are mostly text, now and then no UTF-8. */
export function anyTextBytes(rng: Rng): Uint8Array {
  return rng.chance(0.15) ? rng.bytes(1 + rng.int(12)) : Buffer.from(anyText(rng));
}

const NUMBERS: readonly number[] = [
  ...[0, 1, 2, 127, 128, 255, 256, 65_535, 65_536, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32],
  ...[2 ** 53 - 1, 2 ** 53, 2 ** 63, 2 ** 64, -1, -128, -(2 ** 31), -(2 ** 63), 0.5, 1e308],
];

export function anyNumber(rng: Rng): number {
  return rng.chance(0.7) ? rng.pick(NUMBERS) : rng.int(1_000_000);
}

/** The same text with a few bytes changed, lost, doubled or put in. */
export function mangled(rng: Rng, bytes: Uint8Array): Uint8Array {
  let result = Buffer.from(bytes);
  for (let edits = 1 + rng.int(3); edits > 0; edits--) {
    const at = rng.int(result.byteLength + 1);
    const end = Math.min(result.byteLength, at + 1 + rng.int(8));
    const [head, middle, tail] = [
      result.subarray(0, at),
      result.subarray(at, end),
      result.subarray(end),
    ];
    switch (rng.int(5)) {
      case 0:
        result = Buffer.concat([head, tail]);
        break;
      case 1:
        result = Buffer.concat([head, middle, middle, tail]);
        break;
      case 2:
        result = Buffer.concat([
          head,
          rng.bytes(1 + rng.int(4)),
          rng.chance(0.5) ? tail : middle,
          tail,
        ]);
        break;
      case 3:
        if (middle.byteLength > 0) middle[0] = rng.pick([0, 1, 0x7f, 0x80, 0xff, rng.int(256)]);
        break;
      default:
        result = Buffer.from(head);
    }
  }
  return result;
}
