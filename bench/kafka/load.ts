import { setTimeout as pause } from "node:timers/promises";
import { BrokerCluster } from "../../src/kafka/cluster.ts";
import type { KafkaCluster, NewBatch, NewKafkaRecord } from "../../src/kafka/contract.ts";
import { Fetcher } from "../../src/kafka/fetcher.ts";
import { partitionOfBytes } from "../../src/model/partitioner.ts";
import { Histogram } from "../support/histogram.ts";
import { type FromChild, serveParent } from "../support/processes.ts";
import { PARTITIONS, type Path } from "./paths.ts";

/*
 * Writes records at a fixed rate, whatever becomes of them, and reads what is committed at the other end, in
 * one process, so that one clock measures. A latency begins when the record was due to be written, not when
 * this process came to it. Every record is awaited: what is lost or comes twice is counted.
 */
export interface KafkaLoad extends Path {
  readonly port: number;
  readonly perSecond: number;
  readonly ids: number;
  readonly warmUpMs: number;
  readonly measureMs: number;
}

export interface KafkaLoadResult {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  readonly maxMs: number;
  readonly records: number;
  readonly lost: number;
  readonly twice: number;
  /** How late records were written themselves: the generator's share. */
  readonly writtenLateMs: number;
  /** By `performance.now()` of the parent's clock, as of `performance.timeOrigin`. */
  readonly fromMs: number;
  readonly untilMs: number;
}

const RECORD_BYTES = 200;
/** Records are waited for so long behind the last one. */
const GIVE_UP_MS = 30_000;

class Generator {
  readonly #load: KafkaLoad;
  readonly #writing: KafkaCluster;
  readonly #reading: KafkaCluster;
  /** When the record of each number was due, by `performance.now()`. */
  readonly #begunMs: number;
  readonly #seen: Uint8Array;
  readonly #run = Math.floor(Math.random() * 2 ** 31);
  readonly #histogram = new Histogram();
  readonly #late = new Histogram();
  readonly #warm: number;
  #left: number;
  #twice = 0;

  constructor(load: KafkaLoad) {
    this.#load = load;
    const { perSecond, warmUpMs, measureMs, port } = load;
    const options = {
      ...{ bootstrap: [{ host: "127.0.0.1", port }], clientId: "bench", tls: undefined },
      ...{ sasl: undefined, connectTimeoutMs: 5_000, requestTimeoutMs: 20_000 },
    };
    this.#writing = new BrokerCluster(options);
    this.#reading = new BrokerCluster(options);
    this.#warm = Math.ceil((perSecond * warmUpMs) / 1000);
    this.#left = this.#warm + Math.ceil((perSecond * measureMs) / 1000);
    this.#seen = new Uint8Array(this.#left);
    this.#begunMs = performance.now() + 500;
  }

  async run(): Promise<KafkaLoadResult> {
    const ending = new AbortController();
    const reading = await this.#read(ending.signal);
    const fromMs = performance.now();
    await this.#write();
    const lastMs = performance.now() + GIVE_UP_MS;
    while (this.#left > 0 && performance.now() < lastMs) await pause(5);
    const untilMs = performance.now();
    ending.abort();
    await Promise.allSettled(reading);
    await Promise.all([this.#writing.close(), this.#reading.close()]);
    const histogram = this.#histogram;
    return {
      p50Ms: histogram.percentileMs(0.5),
      p99Ms: histogram.percentileMs(0.99),
      p999Ms: histogram.percentileMs(0.999),
      maxMs: histogram.maxMs,
      records: this.#seen.length,
      lost: this.#left,
      twice: this.#twice,
      writtenLateMs: this.#late.percentileMs(0.99),
      fromMs: fromMs + performance.timeOrigin,
      untilMs: untilMs + performance.timeOrigin,
    };
  }

  #dueMs(number: number): number {
    return this.#begunMs + (number * 1000) / this.#load.perSecond;
  }

  async #write(): Promise<void> {
    const count = this.#seen.length;
    const inFlight = new Set<Promise<unknown>>();
    for (let next = 0; next < count; ) {
      const nowMs = performance.now();
      const batches = new Map<number, NewKafkaRecord[]>();
      for (; next < count && this.#dueMs(next) <= nowMs; next++) {
        this.#late.record(nowMs - this.#dueMs(next));
        const record = this.#record(next);
        const partition = partitionOfBytes(record.key ?? new Uint8Array(0), PARTITIONS);
        const known = batches.get(partition);
        if (known === undefined) batches.set(partition, [record]);
        else known.push(record);
      }
      if (batches.size > 0) {
        const sent = this.#send(batches);
        inFlight.add(sent);
        void sent.finally(() => inFlight.delete(sent));
      }
      if (next < count) await pause(1);
    }
    await Promise.all(inFlight);
  }

  async #send(records: ReadonlyMap<number, readonly NewKafkaRecord[]>): Promise<void> {
    const topic = this.#load.from;
    const batches = [...records].map(([partition, of]): NewBatch => {
      return { topic, partition, firstSequence: -1, records: of };
    });
    const how = { session: undefined, waitForReplicas: true, compression: "none" } as const;
    const produced = await this.#writing.produce({ ...how, batches });
    for (const { error } of produced) if (error !== undefined) throw new Error(error);
  }

  /** The run and the number, then text; keys are spread over all ids. */
  #record(number: number): NewKafkaRecord {
    const value = Buffer.alloc(RECORD_BYTES, "x");
    value.writeUInt32LE(this.#run, 0);
    value.writeUInt32LE(number, 4);
    const id = Math.imul(number, 2_654_435_761) >>> 0;
    const key = Buffer.from(`user-${id % this.#load.ids}`);
    return { timestampMs: Date.now(), key, value, headers: [] };
  }

  /** Begins where the topic ends. */
  async #read(signal: AbortSignal): Promise<Promise<void>[]> {
    const cluster = this.#reading;
    const limits = { maxWaitMs: 500, minBytes: 1, maxBytes: 8e6, maxPartitionBytes: 1e6 };
    const fetcher = new Fetcher({ cluster, ...limits, maxHeldBytes: 64e6 });
    const partitions = Array.from({ length: PARTITIONS }, (_, partition) => partition);
    const begin = partitions.map((partition) =>
      cluster.offset({ topic: this.#load.to, partition }, "latest"),
    );
    return (await Promise.all(begin)).map(async (from, partition) => {
      const tap = fetcher.open({ topic: this.#load.to, partition });
      for (let position = from; ; ) {
        const { records, next } = await tap.next(position, signal);
        const nowMs = performance.now();
        for (const { value } of records) this.#count(Buffer.from(value ?? []), nowMs);
        position = next;
      }
    });
  }

  #count(value: Buffer, nowMs: number): void {
    if (value.byteLength !== RECORD_BYTES || value.readUInt32LE(0) !== this.#run) return;
    const number = value.readUInt32LE(4);
    if (this.#seen[number] === 1) {
      this.#twice++;
      return;
    }
    this.#seen[number] = 1;
    this.#left--;
    if (number >= this.#warm) this.#histogram.record(nowMs - this.#dueMs(number));
  }
}

serveParent(async (load: KafkaLoad): Promise<FromChild> => await new Generator(load).run());
