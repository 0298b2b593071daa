/**
 * What a transaction is about to commit, noted before its end is asked for: a broker may forget to write that end,
 * or write it in some places only, and the places that are named here tell how it was decided.
 *
 *   note     = json LF crc LF rest
 *   json     = {"version":1,"producerId":…,"marker":{topic,partition,offset,note},"firsts":[[topic,partition,offset]…]}
 *   crc      = CRC-32 (IEEE) of json's bytes, 8 hexadecimal digits
 *   rest     = whatever a longer note has left behind
 *
 * A note is written over the one before. One that is torn says that the end was not asked for.
 */
import { utf8 } from "../base/bytes.ts";
import { readSummedLine, summedLine } from "../base/summed-line.ts";
import type { CommittedOffset, TopicPartition } from "../kafka/contract.ts";
import { encodeMarker, findMarker, type Marker } from "./kafka-marker.ts";

/** Where a transaction's records begin in a partition; −1: the broker did not say. */
export interface First extends TopicPartition {
  readonly offset: number;
}

export interface Intent {
  readonly producerId: bigint;
  readonly marker: Marker;
  /** One for each partition that it has records in. */
  readonly firsts: readonly First[];
}

/**
 * The last intent of each way into Kafka, by the name of its marker's group. Kept over the end of the process, not
 * over a loss of power: nobody waits for a disk.
 */
export interface Intents {
  /** Undefined: there is none. */
  read(name: string): Promise<Uint8Array | undefined>;
  /** In place of the one before. One at a time by name. */
  write(name: string, note: Uint8Array): Promise<void>;
  /** Nothing is written any more. Idempotent. */
  close(): Promise<void>;
}

export function encodeIntent({ producerId, marker, firsts }: Intent): Uint8Array {
  const json = JSON.stringify({
    version: 1,
    producerId: String(producerId),
    marker: encodeMarker(marker),
    firsts: firsts.map(({ topic, partition, offset }) => [topic, partition, offset]),
  });
  return utf8(summedLine(json));
}

/** Undefined: it is torn, or of a version that is not known here. */
export function decodeIntent(note: Uint8Array): Intent | undefined {
  const json = readSummedLine(Buffer.from(note).toString());
  if (json === undefined) return undefined;
  const read: {
    readonly version: number;
    readonly producerId: string;
    readonly marker: CommittedOffset;
    readonly firsts: readonly (readonly [string, number, number])[];
  } = JSON.parse(json);
  const marker = read.version === 1 ? findMarker([read.marker]) : undefined;
  if (marker === undefined) return undefined;
  return {
    producerId: BigInt(read.producerId),
    marker,
    firsts: read.firsts.map(([topic, partition, offset]) => ({ topic, partition, offset })),
  };
}
