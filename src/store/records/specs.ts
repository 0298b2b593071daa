/** The states a function type has asked for. */
import type { WireReader } from "../../base/wire-reader.ts";
import type { WireWriter } from "../../base/wire-writer.ts";
import type { ExpireMode, StateSpec } from "../../model/invocation.ts";
import { decode, encode, named, readInt, writeInt, writeText } from "./codec.ts";

interface SpecsRecord {
  readonly type: string;
  readonly specs: StateSpec[];
}

const EXPIRE_MODES: readonly ExpireMode[] = ["never", "afterWrite", "afterInvoke"];

export function encodeSpecs(type: string, specs: Iterable<StateSpec>): Uint8Array {
  return encode(writeSpecs, { type, specs: [...specs] });
}

export function decodeSpecs(bytes: Uint8Array): SpecsRecord {
  return decode("list of states", readSpecs, bytes);
}

function writeSpecs(to: WireWriter, { type, specs }: SpecsRecord): void {
  for (const spec of [...specs].reverse()) {
    const mark = to.mark();
    writeInt(to, 0x20, spec.expireAfterMs);
    writeInt(to, 0x18, EXPIRE_MODES.indexOf(spec.expireMode));
    writeText(to, 0x12, spec.typename);
    writeText(to, 0x0a, spec.name);
    to.message(0x12, mark);
  }
  writeText(to, 0x0a, type);
}

function readSpecs(from: WireReader): SpecsRecord {
  let type = "";
  const specs: StateSpec[] = [];
  for (let field = from.field(); field !== 0; field = from.field()) {
    if (field === 1) type = from.string("a type");
    else if (field === 2) specs.push(from.message("a state", readSpec));
    else from.skip();
  }
  return { type: named(type, "type"), specs };
}

function readSpec(from: WireReader): StateSpec {
  let name = "";
  let typename = "";
  let mode = 0;
  let expireAfterMs = 0;
  for (let field = from.field(); field !== 0; field = from.field()) {
    if (field === 1) name = from.string("a state's name");
    else if (field === 2) typename = from.string("a state's type");
    else if (field === 3) mode = readInt(from, "how a state expires");
    else if (field === 4) expireAfterMs = readInt(from, "when a state expires");
    else from.skip();
  }
  return { name, typename, expireMode: expireModeFrom(mode), expireAfterMs };
}

function expireModeFrom(number: number): ExpireMode {
  const mode = EXPIRE_MODES[number];
  if (mode === undefined) throw new RangeError(`the expiry mode ${number} is unknown`);
  return mode;
}
