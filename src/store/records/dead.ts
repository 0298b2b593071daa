/** A message or record that was given up, whole. */
import type { ErrorCode } from "../../base/errors.ts";
import type { WireReader } from "../../base/wire-reader.ts";
import type { WireWriter } from "../../base/wire-writer.ts";
import type { Address } from "../../model/address.ts";
import { codeFrom } from "./code.ts";
import {
  decode,
  encode,
  present,
  readAddress,
  readInt,
  writeAddress,
  writeInt,
  writeText,
} from "./codec.ts";
import { type OutboxEffect, readMessageEffect, readRecordEffect, writeEffect } from "./outbox.ts";

export interface DeadRecord {
  readonly code: ErrorCode;
  readonly reason: string;
  readonly atMs: number;
  readonly attempts: number;
  /** In whose turn it died: the sender of what could not be routed, or the target of what failed. */
  readonly address: Address | undefined;
  readonly what: OutboxEffect;
  /** `name/partition@offset` when it came from a source, else empty. */
  readonly source: string;
  /** The egress a record was meant for, else empty. */
  readonly egress: string;
}

const WHAT = { message: 0x32, record: 0x3a };

export function encodeDead(dead: DeadRecord): Uint8Array {
  return encode(writeDead, dead);
}

export function decodeDead(bytes: Uint8Array): DeadRecord {
  return decode("dead letter", readDead, bytes);
}

function writeDead(to: WireWriter, dead: DeadRecord): void {
  writeText(to, 0x4a, dead.egress);
  writeText(to, 0x42, dead.source);
  writeEffect(to, dead.what, WHAT);
  if (dead.address !== undefined) writeAddress(to, 0x2a, dead.address);
  writeInt(to, 0x20, dead.attempts);
  writeInt(to, 0x18, dead.atMs);
  writeText(to, 0x12, dead.reason);
  writeText(to, 0x0a, dead.code);
}

function readDead(from: WireReader): DeadRecord {
  let code = "";
  let reason = "";
  let atMs = 0;
  let attempts = 0;
  let address: Address | undefined;
  let what: OutboxEffect | undefined;
  let source = "";
  let egress = "";
  for (let field = from.field(); field !== 0; field = from.field()) {
    if (field === 1) code = from.string("its code");
    else if (field === 2) reason = from.string("its reason");
    else if (field === 3) atMs = readInt(from, "its time");
    else if (field === 4) attempts = readInt(from, "its attempts");
    else if (field === 5) address = from.message("its address", readAddress);
    else if (field === 6) what = readMessageEffect(from);
    else if (field === 7) what = readRecordEffect(from);
    else if (field === 8) source = from.string("its source");
    else if (field === 9) egress = from.string("its egress");
    else from.skip();
  }
  return {
    code: codeFrom(code),
    reason,
    atMs,
    attempts,
    address,
    what: present(what, "message"),
    source,
    egress,
  };
}
