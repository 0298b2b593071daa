import type { KafkaCluster, NewKafkaRecord, TopicPartition } from "../kafka/contract.ts";
import { KafkaError } from "../kafka/error.ts";
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
}

/** A broker that creates topics takes a moment. */
const CREATION_TRIES = 20;
const CREATION_WAIT_MS = 100;
/** So long a topic that was not there is not asked for again: others wait meanwhile. */
const ABSENT_MS = 10_000;

/** A topic's partitions, or why it cannot be written to. */
interface Count {
  readonly count: number | string;
  readonly untilMs: number;
}

/** A topic that these clients may not see, or that no broker could have. */
const FORBIDDEN: ReadonlySet<string> = new Set([
  ...["TOPIC_AUTHORIZATION_FAILED", "INVALID_TOPIC_EXCEPTION"],
]);

/**
 * Which partition of its topic a record goes to: Kafka's default partitioner. By its key; without one, all
 * of a call to the same partition, and the next call's to the next, so that batches are large.
 */
export class Placement {
  readonly #options: PlacementOptions;
  readonly #counts = new Map<string, Count>();

  constructor(options: PlacementOptions) {
    this.#options = options;
  }

  /** @param turn without keys, the partition is this modulo their number */
  async place(
    records: readonly NumberedRecord[],
    turn: number,
  ): Promise<{ placed: PlacedRecord[]; refused: RefusedRecord[] }> {
    const placed: PlacedRecord[] = [];
    const refused: RefusedRecord[] = [];
    for (const { number, topic, record } of records) {
      const count = await this.#count(topic);
      if (typeof count === "string") {
        refused.push({ number, reason: count });
        continue;
      }
      const { key } = record;
      const partition = key === undefined ? turn % count : partitionOfBytes(key, count);
      placed.push({ number, at: { topic, partition }, record, bytes: recordBytes(record) });
    }
    return { placed, refused };
  }

  /** A topic's partitions are looked up anew. */
  forget(topic: string): void {
    this.#counts.delete(topic);
  }

  /** Or why there are none. */
  async #count(topic: string): Promise<number | string> {
    const known = this.#counts.get(topic);
    if (known !== undefined && this.#options.nowMs() < known.untilMs) return known.count;
    const count = await this.#ask(topic);
    const ageMs = typeof count === "string" ? ABSENT_MS : this.#options.metadataMaxAgeMs;
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
        if (error instanceof KafkaError && FORBIDDEN.has(error.code)) return error.message;
        if (!isPassing(error) || attempt >= CREATION_TRIES) throw error;
      }
      await this.#options.sleep(CREATION_WAIT_MS);
    }
  }
}

/** With what a batch adds for each. */
export function recordBytes({ key, value, headers }: NewKafkaRecord): number {
  let bytes = 32 + (key?.byteLength ?? 0) + (value?.byteLength ?? 0);
  for (const header of headers) bytes += 8 + 3 * header.key.length + header.value.byteLength;
  return bytes;
}
