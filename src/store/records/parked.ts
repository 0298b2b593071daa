/** An address that waits for a person. */
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

export interface ParkedRecord {
  readonly address: Address;
  readonly code: ErrorCode;
  readonly reason: string;
  readonly sinceMs: number;
  readonly attempts: number;
}

export function encodeParked(parked: ParkedRecord): Uint8Array {
  return encode(writeParked, parked);
}

export function decodeParked(bytes: Uint8Array): ParkedRecord {
  return decode("parked address", readParked, bytes);
}

function writeParked(to: WireWriter, parked: ParkedRecord): void {
  writeInt(to, 0x28, parked.attempts);
  writeInt(to, 0x20, parked.sinceMs);
  writeText(to, 0x1a, parked.reason);
  writeText(to, 0x12, parked.code);
  writeAddress(to, 0x0a, parked.address);
}

function readParked(from: WireReader): ParkedRecord {
  let address: Address | undefined;
  let code = "";
  let reason = "";
  let sinceMs = 0;
  let attempts = 0;
  for (let field = from.field(); field !== 0; field = from.field()) {
    if (field === 1) address = from.message("its address", readAddress);
    else if (field === 2) code = from.string("its code");
    else if (field === 3) reason = from.string("its reason");
    else if (field === 4) sinceMs = readInt(from, "its time");
    else if (field === 5) attempts = readInt(from, "its attempts");
    else from.skip();
  }
  return {
    address: present(address, "address"),
    code: codeFrom(code),
    reason,
    sinceMs,
    attempts,
  };
}
