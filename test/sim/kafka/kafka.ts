/**
 * Kafka beside a simulated node, on the side of the world: brokers, those who write to its topics, whoever
 * reads what it publishes, and its processes, of which one may still live when the next has begun.
 */
import assert from "node:assert/strict";
import { setImmediate } from "node:timers/promises";
import { StatefoldError } from "../../../src/base/errors.ts";
import type { Report } from "../../../src/base/report.ts";
import type { FetchedPartition } from "../../../src/kafka/contract.ts";
import { KafkaError } from "../../../src/kafka/error.ts";
import type { Release } from "../../../src/partition/ports.ts";
import type { Route } from "../../../src/spec/module.ts";
import { egressDestination, endOfPrefix, keyOf } from "../../../src/store/keys.ts";
import { MemoryIntents } from "../../egress/memory-intents.ts";
import type { Rng } from "../../support/rng.ts";
import type { Stray } from "../account.ts";
import type { Root } from "../clients.ts";
import { Faults } from "../faults.ts";
import { EGRESS, JSON_TYPE, SIDE_EGRESS } from "../functions.ts";
import type { Host } from "../host.ts";
import type { Paths } from "../paths.ts";
import { type Programs, TYPES } from "../program.ts";
import type { Stage } from "../stage.ts";
import { Brokers } from "./brokers.ts";
import { Feed } from "./feed.ts";
import { KafkaNode } from "./node.ts";
import { Outlet } from "./outlet.ts";
import type { KafkaFault, KafkaSwarm } from "./swarm.ts";

export interface KafkaOptions {
  readonly world: Stage;
  readonly rng: Rng;
  readonly swarm: KafkaSwarm;
  readonly programs: Programs;
  readonly paths: Paths;
  /** What was published, once each. */
  readonly take: (egress: string, value: Uint8Array) => void;
}

const REFUSED_EARLIER = "the brokers refused it, and the process ended before that was noted";

export class Kafka {
  readonly faults: Faults<KafkaFault>;
  /** The process in charge must end: another one publishes in its place, or somebody kills it. */
  mustEnd = false;
  readonly #options: KafkaOptions;
  readonly #brokers: Brokers;
  readonly #outlet: Outlet;
  readonly #egresses: ReadonlyMap<string, "exactly-once" | "at-least-once">;
  /** Functions that have a topic. */
  readonly #types: readonly string[];
  readonly #routes: readonly Route[];
  readonly #feeds: Feed[] = [];
  #node: KafkaNode | undefined;
  /** Earlier processes that are not dead. */
  #others: KafkaNode[] = [];
  #lives = 0;
  /** On the data of the process that came last: others have copies of what was there when they did. */
  #intents: MemoryIntents | undefined;
  #failure: unknown;
  /** Since everything last stood still, something may have gone on. */
  #isStirred = false;
  #hasGrown = false;
  /** A marker was forgotten by the brokers. */
  #hasExpired = false;
  /** The next process is started with --accept-loss. */
  #acceptsLoss = false;

  constructor(options: KafkaOptions) {
    this.#options = options;
    const { world, rng, swarm, paths } = options;
    this.faults = new Faults(rng.fork(), swarm.faults, paths);
    this.#brokers = new Brokers({
      ...{ world, rng: rng.fork(), faults: this.faults, swarm },
      onChange: () => this.#read(),
      stir: () => this.#stir(),
    });
    this.#egresses = new Map([
      [EGRESS, "exactly-once"],
      [SIDE_EGRESS, swarm.side],
    ]);
    const { broker } = this.#brokers;
    this.#outlet = new Outlet({
      ...{ broker, take: options.take },
      isLossy: () => world.isLossy,
      isExact: (egress) => this.#egresses.get(egress) === "exactly-once",
      onDouble: () => paths.hit("kafkaDouble"),
    });
    for (const egress of this.#egresses.keys()) this.#outlet.open(egress, 1 + rng.int(3));
    this.#types = rng.shuffle(TYPES).slice(0, swarm.topics);
    this.#routes = this.#types.map((type) => {
      return { topic: topicFor(type), valueType: JSON_TYPE, targets: [type] };
    });
    for (const type of this.#types) {
      for (let k = 0; k < swarm.partitions; k++) this.#addFeed(type, k);
    }
  }

  get isDone(): boolean {
    return this.#feeds.every((feed) => feed.isDone);
  }

  /** Everything was taken, durably. */
  get isTaken(): boolean {
    return this.#feeds.every((feed) => feed.isTaken);
  }

  get roots(): readonly Root[] {
    return this.#feeds.flatMap((feed) => feed.roots);
  }

  get strays(): readonly Stray[] {
    return this.#feeds.flatMap((feed) => feed.strays);
  }

  /** Records written for the node, and published by it. */
  get counts(): { readonly read: number; readonly published: number } {
    const certain = this.roots.filter(({ isCertain }) => isCertain);
    return { read: certain.length, published: this.#outlet.taken };
  }

  unsettled(): string[] {
    return this.#feeds.filter((feed) => !feed.isTaken).map(({ name }) => name);
  }

  start(): void {
    for (const feed of this.#feeds) feed.start();
    this.#begin();
  }

  /** What may happen between any two steps. */
  strike(): void {
    if (this.#node === undefined) return;
    const ends = this.faults.strikes("kafkaZombie", 0.004);
    this.mustEnd ||= ends || this.faults.strikes("kafkaExpiry", 0.003);
  }

  /** Whatever can go on at this moment has gone on. */
  async settle(): Promise<void> {
    if (!this.#isStirred) return;
    this.#isStirred = false;
    await setImmediate();
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** The node's process ends, and the next begins after so long. */
  crash(how: "kill" | "drain" | "power", delayMs: number): void {
    const { world, rng, paths } = this.#options;
    const { broker } = this.#brokers;
    const node = this.#node;
    this.#node = undefined;
    this.mustEnd = false;
    if (node !== undefined) {
      paths.hitIf(how === "kill" && broker.hasOpenTransaction, "kafkaCrashOpen");
      if (how === "drain") this.#stop(node);
      else if (how === "kill" && this.faults.strikes("kafkaZombie", 0.7)) this.#pause(node);
      else node.process.kill();
    }
    const lives = this.#lives;
    world.schedule.after(delayMs, () => {
      if (lives === this.#lives && this.#node === undefined) this.#begin();
    });
    if (!this.#hasGrown && this.#options.swarm.grows && rng.chance(0.5)) this.#grow();
  }

  opened(host: Host): void {
    // One that was about to open again when the node ended may be the first of the next.
    if (this.#node === undefined) this.#begin();
    const node = this.#node;
    node?.opened(host);
    if (!this.faults.strikes("kafkaZombie", 0.15)) return;
    // Before it has shut out whoever was there.
    const { world, rng, swarm } = this.#options;
    world.schedule.after(rng.random() * 4 * swarm.wayMs, () => {
      this.mustEnd ||= node === this.#node;
    });
  }

  closed(host: Host): void {
    this.#node?.closed(host);
  }

  turned(host: Host): void {
    this.#node?.turned(host);
  }

  /** False: the egress is none of Kafka's. */
  publish(host: Host, release: Extract<Release, { readonly kind: "publish" }>): boolean {
    if (!this.#egresses.has(release.egress)) return false;
    this.#node?.publish(host, release);
    return true;
  }

  /** What misbehaves ends; all that is there is being finished. */
  end(): void {
    this.faults.end();
    for (const other of this.#others) other.process.kill();
    this.#others = [];
    if (!this.#hasGrown && this.#options.swarm.grows) this.#grow();
  }

  #begin(): void {
    const { world, swarm, rng } = this.#options;
    this.#others = this.#others.filter(({ process }) => !process.isDead);
    if (this.#others.length === 0) this.#expire();
    this.#intents = new MemoryIntents(this.#intents);
    const node = new KafkaNode({
      intents: this.#intents,
      ...{ world, swarm, rng: rng.fork(), life: ++this.#lives },
      connect: () => this.#brokers.broker.client(),
      ...{ routes: this.#routes, egresses: this.#egresses },
      seen: (request, answer, error) => this.#seen(request, answer, error),
      report: this.#report,
      onPublish: (egress, partition, first) => {
        const isAgain = this.#outlet.has(egress, partition, first);
        this.#options.paths.hitIf(isAgain, "kafkaAgain");
      },
      isShutOut: (asking, egress, partition) => this.#isShutOut(asking, egress, partition),
      onIntrusion: (egress, partition) => {
        const text = `Kafka: a process that was shut out publishes to ${egress} for ${partition}`;
        this.#failure ??= new Error(text);
      },
      onRefused: (reason) => {
        const isEarlier = reason === REFUSED_EARLIER;
        this.#options.paths.hit(isEarlier ? "kafkaRefusedEarlier" : "kafkaRefused");
      },
      onFailure: (failed, error) => this.#failed(failed, error),
      onFenced: (fenced) => this.#fenced(fenced),
      stir: () => this.#stir(),
      acceptLoss: world.isLossy || this.#acceptsLoss,
    });
    this.#acceptsLoss = false;
    node.hasRivals = this.#others.length > 0;
    this.#node = node;
    node.start();
  }

  /** An idle node was down for so long that the brokers have forgotten how far it had published. */
  #expire(): void {
    const { world, paths } = this.#options;
    const { broker } = this.#brokers;
    for (const [egress, delivery] of this.#egresses) {
      for (const host of world.hosts) {
        const group = `sim/${egress}/${host.index}`;
        const from = keyOf("outbox", egressDestination(egress));
        const waits = host.disk.list({ from, until: endOfPrefix(from), limit: 1 }).length > 0;
        if (delivery !== "exactly-once" || waits || !broker.offsets.has(group)) continue;
        if (!this.faults.strikes("kafkaExpiry", 1)) continue;
        broker.expireOffsets(group);
        this.#hasExpired = true;
        paths.hit("kafkaExpired");
      }
    }
  }

  #stop(node: KafkaNode): void {
    this.#others.push(node);
    void node.stop();
  }

  /** It stands still, and wakes when its successor has begun. */
  #pause(node: KafkaNode): void {
    const { world, rng } = this.#options;
    node.process.pause();
    this.#others.push(node);
    world.schedule.after(rng.random() * 2_000, () => {
      if (this.#node !== undefined) this.#node.hasRivals = true;
      node.process.wake();
    });
    world.schedule.after(2_000 + rng.random() * 8_000, () => node.process.kill());
  }

  #grow(): void {
    const { swarm, rng } = this.#options;
    this.#hasGrown = true;
    this.#addFeed(rng.pick(this.#types), swarm.partitions).start();
  }

  #addFeed(type: string, partition: number): Feed {
    const { world, rng, swarm, programs } = this.#options;
    const { broker } = this.#brokers;
    const topic = topicFor(type);
    broker.createTopic(topic, partition + 1);
    const { writes, reset } = swarm;
    const log = broker.log({ topic, partition });
    const feed = new Feed({
      ...{ topic, partition, type, log, writes, reset, world, programs },
      ...{ rng: rng.fork(), faults: this.faults },
    });
    this.#feeds.push(feed);
    return feed;
  }

  #stir(): void {
    this.#isStirred = true;
  }

  #read(): void {
    this.#stir();
    try {
      this.#outlet.read();
    } catch (error) {
      this.#failure ??= error;
    }
  }

  #failed(node: KafkaNode, error: unknown): void {
    const { world, paths } = this.#options;
    if (error instanceof Error && error.message.startsWith("the receiver has not answered")) {
      paths.hit("kafkaGivenUp");
    }
    if (node !== this.#node || world.isLossy) return;
    if (!(error instanceof StatefoldError) || !error.code.startsWith("KAFKA_MARKER")) return;
    // These wait for a person, who knows when a marker has expired.
    if (error.code !== "KAFKA_MARKER_LOST" || !this.#hasExpired) this.#failure ??= error;
    this.#acceptsLoss = true;
    this.mustEnd = true;
    paths.hit("kafkaMarkerLost");
  }

  #fenced(node: KafkaNode): void {
    const { paths } = this.#options;
    if (node !== this.#node) {
      node.process.kill();
      return paths.hit("kafkaZombieFenced");
    }
    if (!node.hasRivals) this.#failure ??= new Error("Kafka: fenced, and by nobody");
    paths.hit("kafkaFencedByZombie");
    this.mustEnd = true;
  }

  /** Another process has signed the marker: whoever signs last is the rightful one. */
  #isShutOut({ life }: KafkaNode, egress: string, partition: number): boolean {
    const known = this.#brokers.broker.offsets.get(`sim/${egress}/${partition}`);
    return [...(known?.values() ?? [])].some(({ note }) => !note.includes(`.life${life} `));
  }

  readonly #report: Report = (_level, message) => {
    const { paths } = this.#options;
    paths.hitIf(message.startsWith("The position in a Kafka topic is not"), "kafkaOutOfRange");
    paths.hitIf(message.startsWith("A partition of a Kafka topic is new"), "kafkaNewPartition");
    paths.hitIf(message.startsWith("A broker had forgotten"), "kafkaEndWritten");
  };

  #seen(request: string, answer: unknown, error: unknown): void {
    const { paths } = this.#options;
    if (error instanceof KafkaError) {
      paths.hitIf(error.code === "CONCURRENT_TRANSACTIONS", "kafkaConcurrent");
      paths.hitIf(error.code === "INVALID_PRODUCER_EPOCH", "kafkaEpochOver");
    } else if (error !== undefined) paths.hitIf(request === "commit", "kafkaCommitUnheard");
    if (request !== "fetch" || answer === undefined) return;
    for (const one of answer as readonly FetchedPartition[]) {
      const { batches, aborted, lastStableOffset, highWatermark } = one;
      paths.hitIf(one.error === "NOT_LEADER_OR_FOLLOWER", "kafkaMoved");
      paths.hitIf(aborted.length > 0, "kafkaAborted");
      paths.hitIf(new Set(aborted.map(({ producerId }) => producerId)).size > 1, "kafkaAborters");
      paths.hitIf(lastStableOffset < highWatermark, "kafkaOpenAhead");
      for (const { records, baseOffset, lastOffset } of batches) {
        paths.hitIf(records.length <= lastOffset - baseOffset, "kafkaCompacted");
      }
    }
  }

  /** To be asked when all is over. */
  audit(): void {
    const { broker } = this.#brokers;
    const { paths } = this.#options;
    assert(!broker.hasOpenTransaction, "Kafka: a transaction is left open");
    paths.hitIf(broker.overdue > 0, "kafkaOverdue");
    paths.hitIf(broker.forgotten > 0, "kafkaForgotten");
    const doubles = [...broker.topics.values()].flat().reduce((sum, log) => sum + log.doubles, 0);
    paths.hitIf(doubles > 0, "kafkaSequenceAgain");
  }
}

const topicFor = (type: string): string => type.replace("/", ".");
