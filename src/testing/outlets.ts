/** The receivers of all egresses. They outlive the node, and take each record once, as a topic does. */
import type { ValueType } from "@statefold/sdk";
import { fromUtf8 } from "../base/bytes.ts";
import { StatefoldError } from "../base/errors.ts";
import { decodeProducerRecord } from "../egress/producer-record.ts";
import type { Address } from "../model/address.ts";
import type { EgressBinding } from "../partition/ports.ts";
import type { EgressEffect } from "../store/records/outbox.ts";
import { type KnownTypes, textOrBytes } from "./known-types.ts";

/** A record that left through an egress. */
export interface TestRecord<T = unknown> {
  readonly egress: string;
  /** Of a Kafka record. */
  readonly topic: string | undefined;
  /** Of a Kafka record that has one. */
  readonly key: string | undefined;
  /** Read with the type that was asked for; else text, or bytes that are none. */
  readonly value: T;
  readonly headers: Readonly<Record<string, string | Uint8Array>>;
  readonly sender: Address;
  /** Id of the message that was being handled. */
  readonly causeId: string | undefined;
  readonly atMs: number;
}

/** Which records, and how to read them. */
export interface RecordQuery<T = unknown> {
  readonly topic?: string;
  readonly type?: ValueType<T>;
}

/** `kafka`: what Kafka egresses and those to the topic log take. `any`: every value. */
export type EgressKind = "kafka" | "any";

interface Taken {
  readonly effect: EgressEffect;
  readonly atMs: number;
}

interface Outlet {
  readonly kind: EgressKind;
  readonly taken: Taken[];
  /** Partition → the highest number taken. */
  readonly numbers: Map<number, number>;
  readonly listeners: ((taken: Taken) => void)[];
}

export class Outlets {
  readonly #outlets: ReadonlyMap<string, Outlet>;
  readonly #types: KnownTypes;

  constructor(egresses: ReadonlyMap<string, EgressKind>, types: KnownTypes) {
    this.#types = types;
    this.#outlets = new Map(
      [...egresses].map(([id, kind]) => [
        id,
        { kind, taken: [], numbers: new Map(), listeners: [] },
      ]),
    );
  }

  binding(egress: string): EgressBinding | undefined {
    const kind = this.#outlets.get(egress)?.kind;
    if (kind === undefined) return undefined;
    if (kind === "any") return { check: () => undefined };
    return {
      check: (value) => {
        const record = decodeProducerRecord(value);
        return typeof record === "string" ? record : undefined;
      },
    };
  }

  /** Takes what it has not taken yet; listeners hear of each record once. */
  take(
    egress: string,
    partition: number,
    first: number,
    records: readonly EgressEffect[],
    atMs: number,
  ): void {
    const { taken, numbers, listeners } = this.#outlet(egress);
    const last = numbers.get(partition) ?? 0;
    const fresh = records.slice(Math.max(0, last + 1 - first)).map((effect) => ({ effect, atMs }));
    numbers.set(partition, Math.max(last, first + records.length - 1));
    taken.push(...fresh);
    for (const each of fresh) for (const listener of listeners) listener(each);
  }

  records<T>(egress: string, query: RecordQuery<T>): TestRecord<T>[] {
    const { taken } = this.#outlet(egress);
    return taken.flatMap((each) => this.#select(egress, query, each));
  }

  listen<T>(
    egress: string,
    query: RecordQuery<T>,
    listener: (record: TestRecord<T>) => void,
  ): void {
    this.#outlet(egress).listeners.push((taken) => {
      for (const record of this.#select(egress, query, taken)) listener(record);
    });
  }

  view(egress: string, { value, sender, causeId }: EgressEffect, atMs: number): TestRecord {
    const common = { egress, sender, causeId, atMs };
    const record = decodeProducerRecord(value);
    if (typeof record === "string") {
      const plain = { topic: undefined, key: undefined, headers: {} };
      return { ...common, ...plain, value: this.#types.read(value) };
    }
    const { topic } = record;
    const key = record.key === undefined ? undefined : fromUtf8(record.key);
    const headers = record.headers.map((header) => [header.key, textOrBytes(header.value)]);
    return {
      ...{ ...common, topic, key },
      value: textOrBytes(record.value),
      headers: Object.fromEntries(headers),
    };
  }

  #select<T>(egress: string, query: RecordQuery<T>, { effect, atMs }: Taken): TestRecord<T>[] {
    const record = this.view(egress, effect, atMs);
    if (query.topic !== undefined && query.topic !== record.topic) return [];
    const { type } = query;
    if (type === undefined) return [record as TestRecord<T>];
    const kafka = decodeProducerRecord(effect.value);
    const bytes = typeof kafka === "string" ? effect.value.value : kafka.value;
    try {
      return [{ ...record, value: type.deserialize(bytes) }];
    } catch (cause) {
      const where = record.topic === undefined ? egress : `${egress}, topic ${record.topic}`;
      const text = `a record of ${where} is no ${type.typename}: ${JSON.stringify(record.value)}. With { topic } only the records of one topic are read`;
      throw new StatefoldError("REQUEST_INVALID", text, { cause });
    }
  }

  #outlet(egress: string): Outlet {
    const outlet = this.#outlets.get(egress);
    if (outlet !== undefined) return outlet;
    const known = [...this.#outlets.keys()].join(", ") || "none";
    throw new StatefoldError("USAGE", `there is no egress ${egress} here; there are: ${known}`);
  }
}
