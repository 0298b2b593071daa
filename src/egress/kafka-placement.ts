import type { KafkaCluster, NewKafkaRecord, TopicPartition } from "../kafka/contract.ts";
import { isForbidding } from "../kafka/error.ts";
import { isPassing } from "../kafka/insist.ts";
import { partitionOfBytes } from "../model/partitioner.ts";
import type { RefusedRecord } from "./contract.ts";

/** A record on its way, and where it goes. */
export interface PlacedRecord {
  readonly number: number;
  readonly at: TopicPartition;
  readonly record: NewKafkaRecord;
  /** About what it takes in a batch. */
  readonly bytes: number;
}

export interface NumberedRecord {
  readonly number: number;
  readonly topic: string;
  readonly record: NewKafkaRecord;
}

export interface PlacementOptions {
  readonly cluster: KafkaCluster;
  readonly nowMs: () => number;
  readonly sleep: (waitMs: number) => Promise<void>;
  /** What is known of a topic is asked for again after so long. */
  readonly metadataMaxAgeMs: number;
  /** Of one batch at most, unless its topic allows less. */
  readonly batchBytes: number;
}

/** A broker that creates topics takes a moment. */
const CREATION_TRIES = 20;
const CREATION_WAIT_MS = 100;
/** So long a topic that was not there is not asked for again: others wait meanwhile. */
const ABSENT_MS = 10_000;
/** Functions name topics as they like: with so many known, all are forgotten. */
const TOPICS_MAX = 10_000;
/** Asked for side by side. */
const TOPICS_AT_ONCE = 100;

/** A topic's partitions, or why it cannot be written to. */
interface Count {
  readonly count: number | string;
  readonly untilMs: number;
}

/**
 * Which partition of its topic a record goes to: Kafka's default partitioner. By its key; without one, all
 * of a call to the same partition, and the next call's to the next, so that batches are large.
 */
export class Placement {
  readonly #options: PlacementOptions;
  readonly #counts = new Map<string, Count>();
  /** Bytes of a batch, for topics that allow less than the rest. */
  readonly #limits = new Map<string, number>();

  constructor(options: PlacementOptions) {
    this.#options = options;
  }

  /** @param turn without keys, the partition is this modulo their number */
  async place(
    records: readonly NumberedRecord[],
    turn: number,
  ): Promise<{ placed: PlacedRecord[]; refused: RefusedRecord[] }> {
    const counts = await this.#countAll(new Set(records.map(({ topic }) => topic)));
    const places = new Places();
    const placed: PlacedRecord[] = [];
    const refused: RefusedRecord[] = [];
    for (const { number, topic, record } of records) {
      const count = counts.get(topic) ?? 0;
      if (typeof count === "string") {
        refused.push({ number, reason: count });
        continue;
      }
      const { key } = record;
      const partition = key === undefined ? turn % count : partitionOfBytes(key, count);
      placed.push({ number, at: places.at(topic, partition), record, bytes: recordBytes(record) });
    }
    return { placed, refused };
  }

  /** Nothing goes to this topic for a while, for this reason. */
  deny(topic: string, reason: string): void {
    this.#counts.set(topic, { count: reason, untilMs: this.#options.nowMs() + ABSENT_MS });
  }

  /** The topic's batches have been larger than it allows. */
  limit(topic: string, bytes: number): void {
    this.#limits.set(topic, Math.min(bytes, this.maxBytesOf(topic)));
  }

  /** How large a batch of the topic may be. */
  readonly maxBytesOf = (topic: string): number =>
    this.#limits.get(topic) ?? this.#options.batchBytes;

  /** A topic's partitions are looked up anew. */
  forget(topic: string): void {
    this.#counts.delete(topic);
  }

  /** A topic that is not there takes long to be sure of: others are asked for meanwhile. */
  async #countAll(topics: ReadonlySet<string>): Promise<ReadonlyMap<string, number | string>> {
    const counts = new Map<string, number | string>();
    const left = topics.values();
    const ask = async (): Promise<void> => {
      for (const topic of left) counts.set(topic, await this.#count(topic));
    };
    const asking = Array.from({ length: Math.min(topics.size, TOPICS_AT_ONCE) }, ask);
    const failed = (await Promise.allSettled(asking)).find((end) => end.status === "rejected");
    if (failed !== undefined) throw failed.reason;
    return counts;
  }

  /** Or why there are none. */
  async #count(topic: string): Promise<number | string> {
    const known = this.#counts.get(topic);
    if (known !== undefined && this.#options.nowMs() < known.untilMs) return known.count;
    const count = await this.#ask(topic);
    const ageMs = typeof count === "string" ? ABSENT_MS : this.#options.metadataMaxAgeMs;
    if (this.#counts.size >= TOPICS_MAX) {
      this.#counts.clear();
      this.#limits.clear();
    }
    this.#counts.set(topic, { count, untilMs: this.#options.nowMs() + ageMs });
    return count;
  }

  async #ask(topic: string): Promise<number | string> {
    for (let attempt = 1; ; attempt++) {
      try {
        const leaders = await this.#options.cluster.leaders(topic, true);
        if (leaders !== undefined && leaders.length > 0) return leaders.length;
        if (attempt >= CREATION_TRIES) return `the brokers have no topic ${topic}`;
      } catch (error) {
        if (isForbidding(error)) return refusedTopic(topic, error.code);
        if (!isPassing(error) || attempt >= CREATION_TRIES) throw error;
      }
      await this.#options.sleep(CREATION_WAIT_MS);
    }
  }
}

/** One object for each place of a call, which all its records share. */
class Places {
  readonly #topics = new Map<string, TopicPartition[]>();

  at(topic: string, partition: number): TopicPartition {
    let known = this.#topics.get(topic);
    if (known === undefined) {
      known = [];
      this.#topics.set(topic, known);
    }
    const at = known[partition] ?? { topic, partition };
    known[partition] = at;
    return at;
  }
}

/** Why nothing goes to a topic that the brokers keep from us. */
export const refusedTopic = (topic: string, code: string): string =>
  `topic ${topic}: the broker refuses it (${code})`;

/** With what a batch adds for each. */
export function recordBytes({ key, value, headers }: Omit<NewKafkaRecord, "timestampMs">): number {
  let bytes = 32 + (key?.byteLength ?? 0) + (value?.byteLength ?? 0);
  for (const header of headers) bytes += 8 + 3 * header.key.length + header.value.byteLength;
  return bytes;
}
