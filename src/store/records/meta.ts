/** The books of a partition: one record, written with every commit. */
import type { WireReader } from "../../base/wire-reader.ts";
import type { WireWriter } from "../../base/wire-writer.ts";
import { decode, encode, readInt, writeInt, writeText } from "./codec.ts";

export interface MetaRecord {
  readonly formatVersion: number;
  readonly application: string;
  readonly partition: number;
  readonly partitionCount: number;
  readonly incarnation: number;
  readonly session: number;
  readonly epoch: number;
  readonly nextSequence: number;
  readonly accepted: number;
  readonly finished: number;
  readonly mail: number;
  readonly timers: number;
  readonly outbox: number;
  readonly dead: number;
  /** What its outboxes weigh together. */
  readonly outboxBytes: number;
  /** The number of the last cut: the epoch that first holds it is the last in that cut. 0: there was none. */
  readonly barrier: number;
}

type Count = Exclude<keyof MetaRecord, "application">;

/** Each under its field's number; the application, a text, is 2. */
const COUNTS: ReadonlyMap<number, Count> = new Map<number, Count>([
  [1, "formatVersion"],
  [3, "partition"],
  [4, "partitionCount"],
  [5, "incarnation"],
  [6, "session"],
  [7, "epoch"],
  [8, "nextSequence"],
  [9, "accepted"],
  [10, "finished"],
  [11, "mail"],
  [12, "timers"],
  [13, "outbox"],
  [14, "dead"],
  [15, "outboxBytes"],
  [16, "barrier"],
]);

const BACKWARDS = [...COUNTS].reverse();

/** What a record says in which nothing is written. */
export const NO_META: MetaRecord = {
  formatVersion: 0,
  application: "",
  partition: 0,
  partitionCount: 0,
  incarnation: 0,
  session: 0,
  epoch: 0,
  nextSequence: 0,
  accepted: 0,
  finished: 0,
  mail: 0,
  timers: 0,
  outbox: 0,
  dead: 0,
  outboxBytes: 0,
  barrier: 0,
};

export function encodeMeta(meta: MetaRecord): Uint8Array {
  return encode(writeMeta, meta);
}

export function decodeMeta(bytes: Uint8Array): MetaRecord {
  return decode("record of the partition", readMeta, bytes);
}

function writeMeta(to: WireWriter, meta: MetaRecord): void {
  for (const [field, name] of BACKWARDS) writeInt(to, field << 3, meta[name]);
  writeText(to, 0x12, meta.application);
}

function readMeta(from: WireReader): MetaRecord {
  const meta: { -readonly [Name in keyof MetaRecord]: MetaRecord[Name] } = { ...NO_META };
  for (let field = from.field(); field !== 0; field = from.field()) {
    const name = COUNTS.get(field);
    if (name !== undefined) meta[name] = readInt(from, name);
    else if (field === 2) meta.application = from.string("application");
    else from.skip();
  }
  return meta;
}
