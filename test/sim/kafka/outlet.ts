import assert from "node:assert/strict";
import { io } from "@statefold/sdk/protocol";
import type { EgressRecord } from "../../../src/egress/contract.ts";
import { KAFKA_PRODUCER_RECORD } from "../../../src/egress/producer-record.ts";
import type { KafkaRecord } from "../../../src/kafka/contract.ts";
import type { FakeBroker } from "../../kafka/fake/broker.ts";

/** Where a record comes from, as its headers say. */
interface Origin {
  readonly egress: string;
  /** Of the runtime. */
  readonly partition: number;
  readonly number: number;
  /** Which process published it. */
  readonly life: number;
}

export const topicOf = (egress: string): string => egress.replace("/", ".");

/** A record of the simulation as a Kafka egress takes it: under the address it is about, or its name. */
export function outgoing(record: EgressRecord, origin: Origin): EgressRecord {
  const { at, name }: { at?: string; name?: string } = JSON.parse(
    Buffer.from(record.value.value).toString(),
  );
  const value = io.statefun.sdk.egress.KafkaProducerRecord.encode({
    topic: topicOf(origin.egress),
    key: at ?? name ?? "",
    valueBytes: record.value.value,
    headers: { origin: Buffer.from(JSON.stringify(origin)) },
  }).finish();
  return { ...record, value: { typename: KAFKA_PRODUCER_RECORD, hasValue: true, value } };
}

export interface OutletOptions {
  readonly broker: FakeBroker;
  readonly isLossy: () => boolean;
  readonly isExact: (egress: string) => boolean;
  readonly take: (egress: string, value: Uint8Array) => void;
  /** It was there already, and its egress promises no better. */
  readonly onDouble: () => void;
}

/**
 * Somebody who reads what the egresses have published, committed records alone, judged by what the broker
 * knows of its transactions and not by any list. Each record is there once, and in the order of the numbers
 * that its partition gave it; at-least-once may repeat what another life of the process has published.
 */
export class Outlet {
  readonly #options: OutletOptions;
  readonly #topics = new Map<string, string>();
  /** By topic and partition: the next batch. */
  readonly #next = new Map<string, number>();
  /** The last number of each way, in all and of one life. */
  readonly #last = new Map<string, number>();
  /** What was taken of each way, by number. */
  readonly #taken = new Set<string>();
  taken = 0;

  constructor(options: OutletOptions) {
    this.#options = options;
  }

  open(egress: string, partitions: number): void {
    this.#topics.set(topicOf(egress), egress);
    this.#options.broker.createTopic(topicOf(egress), partitions);
  }

  /** Whether a record of this number was read. */
  has(egress: string, partition: number, number: number): boolean {
    return this.#taken.has(`${egress} ${partition} ${number}`);
  }

  /** Reads on. */
  read(): void {
    const { broker } = this.#options;
    for (const [topic, egress] of this.#topics) {
      for (const [partition, log] of (broker.topics.get(topic) ?? []).entries()) {
        const place = `${topic}/${partition}`;
        let i = this.#next.get(place) ?? 0;
        for (; ; i++) {
          const batch = log.batches[i];
          if (batch === undefined || batch.lastOffset >= log.lastStableOffset) break;
          if (!log.isVisible(batch)) continue;
          for (const record of batch.records) this.#record(egress, place, record);
        }
        this.#next.set(place, i);
      }
    }
  }

  #record(egress: string, place: string, { value, headers }: KafkaRecord): void {
    const { isLossy, isExact, take, onDouble } = this.#options;
    const [header] = headers;
    assert(header?.key === "origin" && value !== undefined, "a record that nobody sent");
    const { partition, number, life }: Origin = JSON.parse(Buffer.from(header.value).toString());
    const id = `${egress} ${partition} ${number}`;
    if (isLossy()) return take(egress, value);
    const way = isExact(egress)
      ? `${place} of ${partition}`
      : `${place} of ${partition} in life ${life}`;
    const last = this.#last.get(way) ?? 0;
    assert(number > last, `Kafka: ${way}: record ${number} comes after ${last}`);
    this.#last.set(way, number);
    if (this.#taken.has(id)) {
      assert(!isExact(egress), `Kafka: record ${id} is there twice`);
      return onDouble();
    }
    this.#taken.add(id);
    this.taken++;
    take(egress, value);
  }
}
