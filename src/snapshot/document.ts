/**
 * A small JSON object that says what it is, in which format, and whether it is still what was written:
 *
 *   {"kind": "manifest", "format": 1, …, "sha256": "…"}
 *
 * The checksum is SHA-256, in hex, of the object without it, as JSON.stringify writes it.
 */
import { createHash } from "node:crypto";
import { describeError, StatefoldError } from "../base/errors.ts";
import { Fields } from "./fields.ts";

export interface DocumentKind {
  readonly kind: string;
  /** Up to this one is read. */
  readonly format: number;
}

export function writeDocument({ kind, format }: DocumentKind, body: object): Uint8Array {
  const whole = { kind, format, ...body };
  return Buffer.from(`${JSON.stringify({ ...whole, sha256: sumOf(whole) }, undefined, 1)}\n`);
}

/**
 * @param name told when something is wrong
 * @throws StatefoldError SNAPSHOT_FORMAT for one of a newer version, SNAPSHOT_CORRUPT
 */
export function readDocument(
  { kind, format }: DocumentKind,
  name: string,
  bytes: Uint8Array,
): { readonly fields: Fields; readonly format: number } {
  let parsed: unknown;
  try {
    parsed = JSON.parse(Buffer.from(bytes).toString("utf8"));
  } catch (error) {
    throw new StatefoldError("SNAPSHOT_CORRUPT", `${name} is no JSON: ${describeError(error)}`);
  }
  const fields = Fields.of(name, parsed);
  // In every format there is a checksum: a version that is damaged is no newer one.
  const said = fields.text("sha256");
  const { sha256: _, ...rest } = fields.all;
  if (said !== sumOf(rest)) throw fields.wrong("sha256", "is not the checksum of the rest");
  // What else a newer version says, it says in its own way.
  const found = fields.count("format");
  if (found > format) {
    throw new StatefoldError(
      "SNAPSHOT_FORMAT",
      `${name} is in format ${found}, this version reads up to ${format}: a newer statefold wrote it, run that version or a later one`,
    );
  }
  if (fields.text("kind") !== kind) throw fields.wrong("kind", `is not "${kind}"`);
  return { fields, format: found };
}

function sumOf(body: object): string {
  return createHash("sha256").update(JSON.stringify(body)).digest("hex");
}
