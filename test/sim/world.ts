/** One simulated node and everything around it, from one seed. */
import assert from "node:assert/strict";
import { unreachable } from "../../src/base/assert.ts";
import { addressKey } from "../../src/model/address.ts";
import { partitionOf } from "../../src/model/partitioner.ts";
import type { SourceBatch } from "../../src/model/source.ts";
import type { Notice } from "../../src/node/seat.ts";
import type { Release } from "../../src/partition/ports.ts";
import { createRng, type Rng } from "../support/rng.ts";
import { Account, type Side } from "./account.ts";
import { auditSwept } from "./audit.ts";
import { drawBarriers } from "./barriers.ts";
import { Clients } from "./clients.ts";
import { NodeClock } from "./clock.ts";
import { Coordinator } from "./coordinator.ts";
import { Desk } from "./desk.ts";
import { Faults } from "./faults.ts";
import { SimFrames } from "./frames/frames.ts";
import { drawFrames } from "./frames/swarm.ts";
import { EGRESS, SIDE_EGRESS, type SideRecord, SimFunctions, type Trace } from "./functions.ts";
import { Host } from "./host.ts";
import { Kafka } from "./kafka/kafka.ts";
import { drawKafka, type KafkaSwarm } from "./kafka/swarm.ts";
import { SimModule } from "./module.ts";
import { Operator, stepName } from "./operator.ts";
import { Paths } from "./paths.ts";
import { Programs, TYPES } from "./program.ts";
import { Publishers } from "./publisher.ts";
import { Receiver } from "./receiver.ts";
import { Restored, type Taken } from "./restored.ts";
import { Schedule } from "./schedule.ts";
import { Source } from "./source.ts";
import type { NodeStage } from "./stage.ts";
import { drawSwarm, type Swarm } from "./swarm.ts";
import { drawThreads } from "./threads/swarm.ts";
import { SimThreads } from "./threads/threads.ts";
import { TimerBook } from "./timer-book.ts";
import { Wire } from "./wire.ts";

/** Everything must have drained so long after the faults ended, by virtual time. */
const DRAINED_AFTER_MS = 60 * 60 * 1000;
/** The same where nothing was delayed. */
const DRAINED_SOON_MS = 3 * 60 * 1000;
/** Faults that let nothing come to an end stop after so many steps. */
const MAX_STRUCK_STEPS = 8_000;
/** Time for two sweeps of what has expired. */
const REST_MS = 25_000;
/** As in src/node/partition-host.ts. */
const MAX_FAILURES = 3;
const REOPEN_AFTER_MS = 250;
/** What is drawn of Kafka changes nothing else of a seed. */
const KAFKA_SEED = 0x6b61_666b;
/** The same of frames. */
const FRAMES_SEED = 0x6672_616d;
/** The same of threads. */
const THREADS_SEED = 0x7468_7264;

export interface Result {
  readonly seed: number;
  readonly steps: number;
  readonly simulatedMs: number;
  readonly crashes: number;
  readonly messages: number;
  /** Records of Kafka topics that were taken, and records published to others. */
  readonly kafka: { readonly read: number; readonly published: number };
  readonly faults: ReadonlyMap<string, number>;
  readonly paths: ReadonlyMap<string, number>;
}

/** Whether snapshots are taken, and bounds small enough to be met. */
function drawSnapshots(rng: Rng, swarm: Swarm): Swarm {
  const barriers = drawBarriers(rng);
  const changedKeys = rng.pick([1 + rng.int(100), swarm.limits.changedKeys]);
  const changedKeyBytes = rng.pick([10_000, swarm.limits.changedKeyBytes]);
  const limits = { ...swarm.limits, changedKeys, changedKeyBytes };
  if (barriers === undefined) return swarm;
  if (!rng.chance(0.35)) return { ...swarm, barriers, limits };
  // Much is on its way at each cut, and comes late, twice and out of order.
  const faults = { ...swarm.faults, channelLate: 0.9, channelDoubles: 0.9 };
  const features = { ...swarm.features, ids: Math.max(8, swarm.features.ids), hot: 0 };
  return {
    ...{ ...swarm, limits, faults, features, partitions: Math.max(2, swarm.partitions) },
    barriers: { ...barriers, everyMs: 100, lateMs: 100, unheard: 0.5 },
  };
}

export class World implements NodeStage {
  readonly seed: number;
  readonly swarm: Swarm;
  readonly schedule = new Schedule();
  readonly clock: NodeClock;
  readonly faults: Faults;
  readonly functions: SimFunctions;
  readonly hosts: readonly Host[];
  readonly desk = new Desk();
  readonly clients: Clients;
  readonly operator: Operator;
  readonly sources: readonly Source[];
  readonly traces: Trace[] = [];
  readonly sides: Side[] = [];
  readonly #rng: Rng;
  readonly #paths = new Paths();
  readonly #timers: TimerBook;
  readonly #receivers: ReadonlyMap<string, Receiver>;
  readonly #publishers: Publishers;
  readonly #wire: Wire;
  readonly #module: SimModule;
  readonly #coordinator: Coordinator | undefined;
  /** What the first egress was told, by whom and under which number. */
  readonly #taken: Taken[] = [];
  /** Undefined: topics and egresses are not Kafka's. */
  readonly #kafka: Kafka | undefined;
  /** Undefined: functions take one call in a request. */
  readonly #frames: SimFrames | undefined = undefined;
  /** Undefined: all partitions sit on one. */
  readonly #threads: SimThreads | undefined = undefined;
  readonly #threadsRng: Rng;
  readonly #threadGone: number = 0;
  #loading: Host[] = [];
  #failure: { readonly error: unknown } | undefined;
  #crashes = 0;
  /** Crashes since a partition was last open. */
  #crashesInARow = 0;
  isOver = false;
  isDraining = false;

  constructor(seed: number) {
    this.seed = seed;
    const rng = createRng(seed);
    this.#rng = rng;
    const kafkaRng = createRng(seed ^ KAFKA_SEED);
    const kafka = drawKafka(kafkaRng);
    const drawn = drawSwarm(rng.fork());
    // Apart from all others, so that a run without barriers is the same as before there were any.
    const apart = createRng(seed + 2 ** 30);
    const whole = drawSnapshots(apart.fork(), drawn);
    // What topics of Kafka bring, clients need not.
    this.swarm = kafka === undefined ? whole : { ...whole, ops: Math.ceil(whole.ops / 3) };
    const { partitions, features, limits } = this.swarm;
    this.faults = new Faults(rng.fork(), this.swarm.faults, this.#paths);
    this.clock = new NodeClock(this.schedule, (byMs) => {
      for (const host of this.hosts) host.jumped(byMs);
    });
    const paths = this.#paths;
    this.#timers = new TimerBook(this.clock, this.schedule, paths);
    const { stateBytes, statesPerType } = limits;
    this.functions = new SimFunctions({
      ...{ stateBytes, statesPerType, grows: features.grows, paths },
      belongs: (envelope, at) => this.operator.belongs(envelope, at),
    });
    this.#module = new SimModule(this.swarm);
    // Those with Kafka stay as they are.
    if (kafka === undefined) this.#frames = this.#newFrames(createRng(seed ^ FRAMES_SEED));
    this.hosts = Array.from({ length: partitions }, (_, index) => this.#host(index, rng.fork()));
    this.#receivers = new Map([
      [EGRESS, new Receiver(paths, ({ value }, ...from) => this.#takeTrace(value.value, ...from))],
      [SIDE_EGRESS, new Receiver(paths, ({ value }) => this.#takeSide(value.value))],
    ]);
    this.#publishers = new Publishers(this, rng.fork().random, this.#receivers);
    this.#wire = new Wire(this, rng.fork());
    const programs = new Programs(rng.fork(), features);
    this.clients = new Clients({ rng: rng.fork(), programs, world: this, desk: this.desk });
    this.operator = new Operator(this, rng.fork(), this.desk);
    this.sources = Array.from(
      { length: this.swarm.sources },
      (_, i) => new Source(i, rng.fork(), programs, this),
    );
    const { barriers } = this.swarm;
    if (barriers !== undefined) this.#coordinator = new Coordinator(this, apart.fork(), barriers);
    this.#kafka = this.#newKafka(kafka, kafkaRng, programs);
    this.#threadsRng = createRng(seed ^ THREADS_SEED);
    const threads = drawThreads(this.#threadsRng, partitions);
    if (threads !== undefined && kafka === undefined) {
      this.#threadGone = threads.gone;
      this.#threads = new SimThreads({
        ...{ world: this, rng: this.#threadsRng.fork(), swarm: threads, paths },
        onOpened: (host) => {
          for (const source of this.sources) source.opened(host);
        },
      });
    }
    paths.hitIf(partitions === 1, "onePartition");
    paths.hitIf(partitions > features.ids, "emptyPartitions");
  }

  get isLossy(): boolean {
    return !this.#timers.isBelieved;
  }

  ownerOf(id: string): Host {
    const host = this.hosts[partitionOf(id, this.hosts.length)];
    assert(host !== undefined);
    return host;
  }

  async run(): Promise<Result> {
    for (const host of this.hosts) host.open();
    this.clients.start();
    this.operator.start();
    this.#coordinator?.start();
    for (const source of this.sources) source.start();
    this.#kafka?.start();
    const startedMs = this.schedule.nowMs;
    const untilMs = startedMs + 60_000;
    while (!this.#isWorkGiven && (await this.#step(untilMs))) {
      if (this.schedule.steps < MAX_STRUCK_STEPS) this.#strike();
      else this.faults.end();
    }
    await this.#drain();
    await this.#rest();
    this.isOver = true;
    for (const host of this.hosts) host.auditQuiet();
    this.#kafka?.audit();
    if (!this.isLossy) {
      this.#close();
      await this.#restore();
    }
    return {
      seed: this.seed,
      steps: this.schedule.steps,
      simulatedMs: this.schedule.nowMs - startedMs,
      crashes: this.#crashes,
      messages: this.traces.length,
      kafka: this.#kafka?.counts ?? { read: 0, published: 0 },
      faults: new Map([
        ...this.faults.counts,
        ...(this.#kafka?.faults.counts ?? []),
        ...(this.#frames?.faults.counts ?? []),
      ]),
      paths: this.#paths.counts,
    };
  }

  /** The strongest of what is asked of a snapshot: that another node goes on from it. */
  async #restore(): Promise<void> {
    const snapshot = this.#coordinator?.chosen;
    // Kafka is as it is now, not as it was at the cut: its part in a restore is another simulation's.
    if (snapshot === undefined || this.#kafka !== undefined) return;
    const { seed, swarm, sources } = this;
    const { retried } = this.operator;
    await new Restored({ seed, swarm, sources, taken: this.#taken, retried }, snapshot).run();
    this.#paths.hit(snapshot.held.inFlight.length > 0 ? "restoredInFlight" : "restored");
  }

  #close(): void {
    const { functions, operator, traces, sides } = this;
    const account = new Account({ functions, operator, traces, sides, timers: this.#timers });
    const feeds = [...this.sources, ...(this.#kafka === undefined ? [] : [this.#kafka])];
    const sourced = feeds.flatMap((feed) => feed.roots);
    const strays = feeds.flatMap((feed) => feed.strays);
    account.close(this.hosts, { sourced, strays }, this.clients);
  }

  async #step(untilMs: number): Promise<boolean> {
    if (this.#failure !== undefined) throw this.#failure.error;
    if (!this.schedule.step(untilMs)) return false;
    if (this.#kafka !== undefined) {
      await this.#kafka.settle();
      if (this.#kafka.mustEnd) this.#crashNode("kill");
    }
    for (const host of this.#loading.splice(0)) {
      if (host.life.kind !== "opening") continue;
      await host.load();
      if (host.partition === undefined) continue;
      if (this.#threads !== undefined) this.#threads.opened(host);
      else for (const source of this.sources) source.opened(host);
      this.#kafka?.opened(host);
    }
    return true;
  }

  get #isWorkGiven(): boolean {
    const isWritten = this.#kafka?.isDone ?? true;
    return isWritten && this.clients.isDone && this.sources.every((source) => source.isDone);
  }

  /** What may happen between any two steps. */
  #strike(): void {
    const { faults } = this;
    const rng = this.#rng;
    const isUnready = (host: Host) =>
      host.life.kind === "opening" || (host.life.kind === "up" && !host.life.isOpen);
    if (this.hosts.some((host) => host.life.kind === "up" && host.life.isOpen)) {
      this.#crashesInARow = 0;
    }
    if (faults.strikes("crash", 0.008)) this.#crashNode("kill");
    else if (this.hosts.every(isUnready) && faults.strikes("recoveryCrash", 0.15)) {
      this.#crashNode("kill");
    } else if (faults.intensity("recoveryCrash") > 0 && faults.strikes("recoveryCrash", 0.001)) {
      this.#crashNode("kill");
    } else if (faults.strikes("restart", 0.004)) {
      this.#paths.hit("drained");
      this.#crashNode("drain");
    } else if (faults.strikes("redeploy", 0.004)) this.#crashNode("drain");
    else if (faults.strikes("loss", 0.002)) this.#crashNode("power");
    this.#kafka?.strike();
    if (this.#threadGone > 0 && this.#threadsRng.chance(this.#threadGone)) this.#loseThread();
    if (faults.strikes("bounce", 0.006)) this.#bounce(rng.pick(this.hosts));
    if (!faults.strikes("clock", 0.008)) return;
    const most = rng.pick([-100, -5_000, -600_000, -900_000, 50, 5_000, 400_000, 2_000_000]);
    this.clock.jump(most * rng.random());
  }

  /** The faults end, operators clear what is stuck, and everything drains (I10). */
  async #drain(): Promise<void> {
    this.isDraining = true;
    this.faults.end();
    this.#frames?.faults.end();
    this.#kafka?.end();
    this.clock.settle();
    this.functions.cured = true;
    if (this.#module.missing !== undefined) this.#crashNode("drain");
    const { timers, tokens } = this.swarm.features;
    const startedMs = this.schedule.nowMs;
    const untilMs = startedMs + (timers || tokens ? DRAINED_AFTER_MS : DRAINED_SOON_MS);
    while (this.#isClearing() || !this.#isQuiet) {
      const before = this.schedule.nowMs;
      while (this.schedule.nowMs < before + 5_000 && !this.#isQuiet) {
        if (!(await this.#step(untilMs))) break;
      }
      if (this.#isQuiet) await this.#answerAll(untilMs);
      assert(this.schedule.nowMs < untilMs - 10_000, `I10: not drained: ${this.#stuck()}`);
    }
  }

  /** People do what can be done about stuck work; with none left, who waits for what was purged gives up. */
  #isClearing(): boolean {
    if (this.operator.clear()) return true;
    if (!this.#isIdle) return false;
    const handled = new Set(this.traces.map(({ step }) => step.label));
    this.clients.giveUp((step) => {
      if (this.isLossy) return true;
      const places = this.operator.placesOf(stepName(step), addressKey(step.target));
      const isPurged = places.some((at) => this.operator.purges.mayHaveBeen(at));
      return isPurged && !handled.has(step.label);
    });
    return false;
  }

  /** Nothing happens for a while, and what had expired by then has left the store. */
  async #rest(): Promise<void> {
    const drainedAtMs = this.clock.now();
    const untilMs = this.schedule.nowMs + REST_MS;
    while (await this.#step(untilMs));
    for (const host of this.hosts) auditSwept(host.disk, drainedAtMs);
  }

  /** What the operator has just asked is decided. */
  async #answerAll(untilMs: number): Promise<void> {
    while (!this.operator.isSettled && (await this.#step(untilMs)));
  }

  get #isQuiet(): boolean {
    return (
      this.clients.isSettled &&
      this.operator.isSettled &&
      this.sources.every((source) => source.isTaken) &&
      (this.#kafka?.isTaken ?? true) &&
      this.#isIdle
    );
  }

  /** No partition has anything to do. */
  get #isIdle(): boolean {
    return this.hosts.every((host) => {
      if (host.partition === undefined || host.hasInput) return false;
      const { ledger, epochs } = host.partition;
      const isClean = !epochs.isCommitting && epochs.dirtySinceMs === undefined;
      return isClean && ledger.mail + ledger.timers + ledger.outbox === 0;
    });
  }

  #stuck(): string {
    return JSON.stringify({
      clients: this.clients.unsettled(),
      operator: this.operator.isSettled,
      sources: this.sources.map((source) => source.isTaken),
      kafka: this.#kafka?.unsettled(),
      hosts: this.hosts.map((host) => ({
        life: host.life.kind,
        ledger: host.partition?.ledger,
        mail: [...(host.partition?.mailboxes.values() ?? [])].map((box) => [
          box.key,
          box.count,
          box.phase,
        ]),
      })),
    });
  }

  #host(index: number, rng: Rng): Host {
    const { swarm, functions, schedule, clock, faults } = this;
    return new Host({
      ...{ index, swarm, functions, schedule, clock, faults, rng, timers: this.#timers },
      frames: this.#frames,
      directory: () => this.#module.directory,
      onRelease: (from, release) => this.#release(from, release),
      onLoad: (host) => this.#loading.push(host),
      onTurn: (host) => {
        this.#kafka?.turned(host);
        this.#threads?.turned(host);
      },
      onFailure: (host) => this.#failed(host),
      onCut: (host, cut, view) => this.#coordinator?.cut(host, cut, view),
    });
  }

  #newFrames(rng: Rng): SimFrames | undefined {
    const swarm = drawFrames(rng);
    if (swarm === undefined) return undefined;
    const { functions, schedule, faults } = this;
    return new SimFrames({
      ...{ swarm, functions, schedule, rng, paths: this.#paths },
      isDown: (type) => faults.isDuring("endpointDown", type, schedule.nowMs),
    });
  }

  #newKafka(swarm: KafkaSwarm | undefined, rng: Rng, programs: Programs): Kafka | undefined {
    if (swarm === undefined) return undefined;
    return new Kafka({
      ...{ world: this, rng, swarm, programs, paths: this.#paths },
      take: (egress, value) => {
        if (egress === EGRESS) this.#takeTrace(value);
        else this.#takeSide(value);
      },
    });
  }

  /** As src/node/partition-host.ts does: opened anew, after a while; after the third time in vain the node ends. */
  #failed(host: Host): void {
    this.#down(host, "failure");
    if (++host.failures > MAX_FAILURES) {
      this.#paths.hit("nodeEnded");
      return this.#crashNode("kill");
    }
    this.#paths.hitIf(
      this.hosts.some((other) => other.life.kind === "up"),
      "reopened",
    );
    this.#openLater(host, REOPEN_AFTER_MS * host.failures);
  }

  /** One partition loses its memory, as by an assertion of ours; the others go on. */
  #bounce(host: Host): void {
    if (host.life.kind !== "up") return;
    this.#down(host, "kill");
    this.#paths.hitIf(this.hosts.length > 1, "bounced");
    this.#openLater(host, this.#rng.random() * 50);
  }

  notify(host: Host, notice: Notice): void {
    if (this.#threads === undefined) host.offer(notice);
    else this.#threads.notify(host, notice);
  }

  async take(host: Host, batch: SourceBatch): Promise<void> {
    if (this.#threads === undefined) host.offer({ kind: "source", ...batch });
    else await this.#threads.take(host, batch);
  }

  fail(error: unknown): void {
    this.#failure ??= { error };
  }

  /** One thread is gone with its partitions. The node ends, but not at once. */
  #loseThread(): void {
    const lost = this.#threads?.end() ?? [];
    if (lost.length === 0 || this.#threads === undefined) return;
    for (const host of lost) this.#down(host, "kill");
    this.#paths.hitIf(
      this.hosts.some(({ life }) => life.kind === "up"),
      "threadGone",
    );
    const crashes = this.#crashes;
    this.schedule.after(this.#threads.noticedMs, () => {
      if (crashes === this.#crashes) this.#crashNode("kill");
    });
  }

  #crashNode(how: "kill" | "drain" | "power"): void {
    this.#crashes++;
    if (++this.#crashesInARow >= 3) this.#paths.hit("crashRecoveringThrice");
    this.#redeploy();
    const delayMs = this.#rng.random() * 200;
    this.#frames?.restart();
    this.#threads?.restart();
    this.#kafka?.crash(how, delayMs);
    for (const host of this.hosts) {
      this.#down(
        host,
        how === "power" && this.#rng.chance(0.5) ? "power" : how === "power" ? "kill" : how,
      );
      host.failures = 0;
      this.#openLater(host, delayMs);
    }
    if (this.isLossy) for (const receiver of this.#receivers.values()) receiver.isBelieving = true;
    this.functions.isBelieved = !this.isLossy;
  }

  #down(host: Host, how: Parameters<Host["crash"]>[0]): void {
    if (host.life.kind === "down" && how !== "power") return;
    host.crash(how);
    this.#kafka?.closed(host);
    this.#threads?.closed(host);
    this.desk.cut(host);
  }

  #openLater(host: Host, delayMs: number): void {
    const { generation } = host;
    this.schedule.after(delayMs, () => {
      const isLost = this.#threads?.isGone(host) === true;
      if (host.life.kind === "down" && generation === host.generation && !isLost) host.open();
    });
  }

  /** Another version of the module, which may lack a type. */
  #redeploy(): void {
    const intensity = this.faults.intensity("redeploy");
    const wasMissing = this.#module.missing !== undefined;
    const isMissing = intensity > 0 && this.#rng.chance(0.5);
    this.#module.missing = isMissing ? this.#rng.pick(TYPES) : undefined;
    this.#paths.hitIf(wasMissing && !isMissing, "typeBack");
  }

  #release(from: Host, release: Release): void {
    switch (release.kind) {
      case "publish":
        if (this.#kafka?.publish(from, release) === true) return;
        return this.#publishers.publish(from, release);
      case "channel":
      case "acknowledge":
      case "resume":
        if (this.#threads?.carry(from, release) === true) return;
        return this.#wire.carry(from, release);
      case "accepted":
      case "replied":
      case "pending":
      case "unknownCall":
      case "refused":
      case "operated":
        return this.desk.answer(from, release);
      default:
        return unreachable(release);
    }
  }

  /** Also what a person sent here, that was meant for another egress. */
  /** `under`: the partition and the number, where they are looked at in a snapshot. */
  #takeTrace(bytes: Uint8Array, ...under: readonly [] | readonly [number, number]): undefined {
    const taken: Trace | SideRecord = JSON.parse(Buffer.from(bytes).toString());
    if ("step" in taken) {
      this.traces.push(taken);
      const [partition, number] = under;
      if (partition !== undefined && number !== undefined)
        this.#taken.push({ partition, number, trace: taken });
    } else this.sides.push({ ...taken, egress: EGRESS });
    return undefined;
  }

  #takeSide(bytes: Uint8Array): string | undefined {
    const record: SideRecord = JSON.parse(Buffer.from(bytes).toString());
    const isRefused = record.fate === "refused" && !this.isDraining;
    if (isRefused && this.#kafka === undefined) return "not to my taste";
    assert.notEqual(record.fate, "invalid", `${record.name} cannot be taken there`);
    this.sides.push({ ...record, egress: SIDE_EGRESS });
    return undefined;
  }
}
