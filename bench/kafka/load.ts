import { setTimeout as pause } from "node:timers/promises";
import { BrokerCluster } from "../../src/kafka/cluster.ts";
import type { KafkaCluster, NewBatch, NewKafkaRecord } from "../../src/kafka/contract.ts";
import { Fetcher } from "../../src/kafka/fetcher.ts";
import { partitionOfBytes } from "../../src/model/partitioner.ts";
import { Histogram } from "../support/histogram.ts";
import { type FromChild, serveParent } from "../support/processes.ts";
import { PARTITIONS, type Path } from "./paths.ts";

/*
 * Writes records, and reads what is committed at the other end, in one process, so that one clock measures. Every record is
 * awaited: what is lost or comes twice is counted.
 *
 * steady: at a fixed rate, whatever becomes of them. A latency begins when the record was due to be written, not when
 * this process came to it. · fill: as fast as it can, while nobody takes them · drain: asked next, when somebody begins
 * to; tells when the last one was there.
 */
export type KafkaLoad =
  | (Way & {
      readonly kind: "steady";
      readonly perSecond: number;
      readonly warmUpMs: number;
      readonly measureMs: number;
    })
  | (Way & { readonly kind: "fill"; readonly records: number })
  | { readonly kind: "drain" };

interface Way extends Pick<Path, "from" | "to"> {
  readonly port: number;
  readonly ids: number;
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
  /** From the beginning until the last record was there; of a drain, from when it was asked. */
  readonly tookMs: number;
  /** Of this process. */
  readonly cpuMs: number;
}

const RECORD_BYTES = 200;
/** Records are waited for so long behind the last one. */
const GIVE_UP_MS = 30_000;
/** When not one comes for so long, no more will; the first ones of a runtime that has to start take longer. */
const STALLED_MS = 90_000;
const FILL_BATCH = 2_000;

class Generator {
  readonly #way: Way;
  readonly #perSecond: number;
  readonly #writing: KafkaCluster;
  readonly #reading: KafkaCluster;
  /** When the record of each number was due, by `performance.now()`. */
  #begunMs = 0;
  readonly #seen: Uint8Array;
  readonly #run = Math.floor(Math.random() * 2 ** 31);
  readonly #histogram = new Histogram();
  readonly #late = new Histogram();
  readonly #warm: number;
  #left: number;
  #lastMs = 0;
  #readers: readonly Promise<void>[] = [];
  readonly #ending = new AbortController();
  #twice = 0;

  /** @param warm of the records, the first ones that do not count */
  constructor(way: Way, records: number, warm: number, perSecond: number) {
    this.#way = way;
    this.#perSecond = perSecond;
    const { port } = way;
    const options = {
      ...{ bootstrap: [{ host: "127.0.0.1", port }], clientId: "bench", tls: undefined },
      ...{ sasl: undefined, connectTimeoutMs: 5_000, requestTimeoutMs: 20_000 },
    };
    this.#writing = new BrokerCluster(options);
    this.#reading = new BrokerCluster(options);
    this.#warm = warm;
    this.#left = records;
    this.#seen = new Uint8Array(records);
  }

  async steady(): Promise<KafkaLoadResult> {
    await this.#open();
    this.#begunMs = performance.now() + 500;
    const fromMs = performance.now();
    await this.#write();
    return await this.#end(fromMs, GIVE_UP_MS);
  }

  async fill(): Promise<void> {
    await this.#open();
    for (let next = 0; next < this.#seen.length; ) {
      const until = Math.min(this.#seen.length, next + FILL_BATCH);
      const batches = new Map<number, NewKafkaRecord[]>();
      for (; next < until; next++) this.#add(batches, next);
      await this.#send(batches);
    }
  }

  async drain(): Promise<KafkaLoadResult> {
    this.#begunMs = performance.now();
    return await this.#end(this.#begunMs, STALLED_MS);
  }

  async #open(): Promise<void> {
    this.#readers = await this.#read(this.#ending.signal);
  }

  /** @param patienceMs given up when none has come for so long */
  async #end(fromMs: number, patienceMs: number): Promise<KafkaLoadResult> {
    const cpuBefore = process.cpuUsage();
    this.#lastMs = performance.now();
    while (this.#left > 0 && performance.now() < this.#lastMs + patienceMs) await pause(5);
    const untilMs = performance.now();
    const { user, system } = process.cpuUsage(cpuBefore);
    this.#ending.abort();
    await Promise.allSettled(this.#readers);
    await Promise.all([this.#writing.close(), this.#reading.close()]);
    const histogram = this.#histogram;
    return {
      tookMs: this.#lastMs - fromMs,
      cpuMs: (user + system) / 1000,
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
    return this.#begunMs + (number * 1000) / this.#perSecond;
  }

  async #write(): Promise<void> {
    const count = this.#seen.length;
    const inFlight = new Set<Promise<unknown>>();
    for (let next = 0; next < count; ) {
      const nowMs = performance.now();
      const batches = new Map<number, NewKafkaRecord[]>();
      for (; next < count && this.#dueMs(next) <= nowMs; next++) {
        this.#late.record(nowMs - this.#dueMs(next));
        this.#add(batches, next);
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

  #add(batches: Map<number, NewKafkaRecord[]>, number: number): void {
    const record = this.#record(number);
    const partition = partitionOfBytes(record.key ?? new Uint8Array(0), PARTITIONS);
    const known = batches.get(partition);
    if (known === undefined) batches.set(partition, [record]);
    else known.push(record);
  }

  async #send(records: ReadonlyMap<number, readonly NewKafkaRecord[]>): Promise<void> {
    const topic = this.#way.from;
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
    const key = Buffer.from(`user-${id % this.#way.ids}`);
    return { timestampMs: Date.now(), key, value, headers: [] };
  }

  /** Begins where the topic ends. */
  async #read(signal: AbortSignal): Promise<Promise<void>[]> {
    const cluster = this.#reading;
    const limits = { maxWaitMs: 500, minBytes: 1, maxBytes: 8e6, maxPartitionBytes: 1e6 };
    const fetcher = new Fetcher({ cluster, ...limits, maxHeldBytes: 64e6 });
    const partitions = Array.from({ length: PARTITIONS }, (_, partition) => partition);
    const begin = partitions.map((partition) =>
      cluster.offset({ topic: this.#way.to, partition }, "latest"),
    );
    return (await Promise.all(begin)).map(async (from, partition) => {
      const tap = fetcher.open({ topic: this.#way.to, partition });
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
    this.#lastMs = nowMs;
    if (number >= this.#warm) this.#histogram.record(nowMs - this.#dueMs(number));
  }
}

let filled: Generator | undefined;

serveParent(async (load: KafkaLoad): Promise<FromChild> => {
  switch (load.kind) {
    case "steady": {
      const { perSecond, warmUpMs, measureMs } = load;
      const warm = Math.ceil((perSecond * warmUpMs) / 1000);
      const all = warm + Math.ceil((perSecond * measureMs) / 1000);
      return await new Generator(load, all, warm, perSecond).steady();
    }
    case "fill":
      filled = new Generator(load, load.records, 0, 1);
      await filled.fill();
      return {};
    case "drain":
      if (filled === undefined) throw new Error("nothing was filled");
      return await filled.drain();
  }
});
