import { kafkaSourceName } from "../../../src/ingress/kafka-topic.ts";
import type { NewKafkaRecord } from "../../../src/kafka/contract.ts";
import { addressKey } from "../../../src/model/address.ts";
import { partitionOfSource } from "../../../src/model/owner.ts";
import type { PartitionLog } from "../../kafka/fake/partition-log.ts";
import type { Rng } from "../../support/rng.ts";
import type { Stray } from "../account.ts";
import type { Root } from "../clients.ts";
import type { Faults } from "../faults.ts";
import { type Envelope, json } from "../functions.ts";
import type { Host } from "../host.ts";
import type { Programs } from "../program.ts";
import { keyless } from "../source.ts";
import type { Stage } from "../stage.ts";
import type { KafkaFault } from "./swarm.ts";

export const INGRESS = "sim/in";

/** A record that the consumer must take once, or that was only ever part of a transaction. */
interface Written {
  readonly offset: number;
  readonly root: Root | undefined;
  readonly stray: Stray | undefined;
}

export interface FeedOptions {
  readonly topic: string;
  readonly partition: number;
  /** The functions whose topic it is. */
  readonly type: string;
  readonly log: PartitionLog;
  readonly writes: number;
  readonly world: Stage;
  readonly rng: Rng;
  readonly faults: Faults<KafkaFault>;
  readonly programs: Programs;
  readonly reset: "earliest" | "latest";
}

/** Producers of other applications, by id: so many write to a partition at once. */
const PRODUCERS = 3;
const FIRST_ID = 1_000_000n;
/** Compaction takes it away at once. */
const GONE = "gone";

/**
 * Others write to one partition: records alone and in transactions that are committed, aborted, or left
 * open for long, those of several producers in between each other; some without key, some that compaction
 * takes away. Retention removes what stands at the beginning. It knows which records count.
 */
export class Feed {
  readonly name: string;
  readonly #options: FeedOptions;
  /** By producer: what its open transaction holds. */
  readonly #open = new Map<number, Written[]>();
  readonly #written: Written[] = [];
  readonly #sent = new Map<string, number>();
  #left: number;
  /** Whatever comes may be passed over. */
  #isDoubtful = false;

  constructor(options: FeedOptions) {
    this.#options = options;
    this.#left = options.writes;
    this.name = kafkaSourceName(INGRESS, options.topic, options.partition);
  }

  start(): void {
    const { world, rng } = this.#options;
    world.schedule.after(rng.random() * 120, () => {
      this.#act();
      if (!this.isDone) this.start();
    });
  }

  get isDone(): boolean {
    return this.#left === 0 && this.#open.size === 0;
  }

  /** Everything was taken, durably. */
  get isTaken(): boolean {
    return this.isDone && (this.#durable ?? 0) === this.#options.log.end;
  }

  get roots(): readonly Root[] {
    return this.#written.flatMap(({ root }) => (root === undefined ? [] : [root]));
  }

  get strays(): readonly Stray[] {
    return this.#written.flatMap(({ stray }) => (stray === undefined ? [] : [stray]));
  }

  get #owner(): Host | undefined {
    const { hosts } = this.#options.world;
    return hosts[partitionOfSource(this.name, hosts.length)];
  }

  get #durable(): number | undefined {
    return this.#owner?.partition?.positions.durable(this.name);
  }

  #act(): void {
    const { rng, faults } = this.#options;
    if (faults.strikes("kafkaRetention", 0.4)) this.#truncate();
    const producer = rng.int(PRODUCERS);
    const isOpen = this.#open.has(producer);
    if (this.#left === 0) {
      const [first] = this.#open.keys();
      if (first !== undefined) this.#end(first);
      return;
    }
    if (isOpen && rng.chance(0.5)) return this.#end(producer);
    this.#left--;
    if (isOpen || rng.chance(0.5)) return this.#write(producer);
    this.#write(undefined);
  }

  /** @param producer whose transaction it belongs to; undefined: to none */
  #write(producer: number | undefined): void {
    const { rng, log } = this.#options;
    const written: Written[] = [];
    const records: NewKafkaRecord[] = [];
    let offset = log.end;
    for (let i = 1 + rng.int(3); i > 0; i--, offset++) {
      if (rng.chance(0.15)) {
        records.push({ timestampMs: 0, key: utf8(GONE), value: utf8("{}"), headers: [] });
        continue;
      }
      const one = rng.chance(0.06) ? this.#stray(offset) : this.#record(offset);
      written.push(one.written);
      records.push(one.record);
    }
    if (producer === undefined) {
      log.append(records, -1n, false, isKept);
      return this.#count(written);
    }
    log.append(records, FIRST_ID + BigInt(producer), true, isKept);
    this.#open.set(producer, [...(this.#open.get(producer) ?? []), ...written]);
  }

  #end(producer: number): void {
    const { rng, log, world } = this.#options;
    const isCommit = rng.chance(0.6);
    const written = this.#open.get(producer) ?? [];
    this.#open.delete(producer);
    log.endTransaction(FIRST_ID + BigInt(producer), isCommit, world.schedule.nowMs);
    if (isCommit) this.#count(written);
  }

  #record(offset: number) {
    const { programs, type } = this.#options;
    const step = programs.root({ ...programs.address(), type });
    const key = addressKey(step.target);
    const nth = (this.#sent.get(key) ?? 0) + 1;
    this.#sent.set(key, nth);
    const envelope: Envelope = { step, from: this.name, nth, id: `${this.name}@${offset}` };
    const { value } = json(envelope, step.pad);
    return {
      written: { offset, root: { step, isCertain: true }, stray: undefined },
      record: { timestampMs: 0, key: utf8(step.target.id), value, headers: [] },
    };
  }

  #stray(offset: number) {
    const name = `keyless ${this.name}@${offset}`;
    const { value } = keyless(name, `${this.name}@${offset}`).value;
    return {
      written: { offset, root: undefined, stray: { name, isCertain: true } },
      record: {
        timestampMs: 0,
        key: this.#options.rng.chance(0.5) ? undefined : new Uint8Array(0),
        ...{ value, headers: [] },
      },
    };
  }

  #count(written: readonly Written[]): void {
    this.#written.push(...(this.#isDoubtful ? written.map(doubtful) : written));
  }

  /** Segments at the beginning go; what was not durably taken may never be. */
  #truncate(): void {
    const { log, rng, reset } = this.#options;
    const durable = this.#durable ?? 0;
    const held = log.lastStableOffset - log.start;
    const start = log.start + (rng.chance(0.5) ? held : rng.int(held + 1));
    log.truncate(start);
    if (log.start <= durable) return;
    this.#isDoubtful ||= reset === "latest";
    const until = reset === "latest" ? Number.POSITIVE_INFINITY : start;
    for (const [i, one] of this.#written.entries()) {
      if (one.offset >= durable && one.offset < until) this.#written[i] = doubtful(one);
    }
    if (this.#isDoubtful) {
      for (const [producer, open] of this.#open) this.#open.set(producer, open.map(doubtful));
    }
  }
}

const utf8 = (text: string): Uint8Array => Buffer.from(text);

const isKept = ({ key }: { readonly key: Uint8Array | undefined }): boolean =>
  key === undefined || Buffer.from(key).toString() !== GONE;

const doubtful = ({ offset, root, stray }: Written): Written => ({
  offset,
  root: root === undefined ? undefined : { ...root, isCertain: false },
  stray: stray === undefined ? undefined : { ...stray, isCertain: false },
});
