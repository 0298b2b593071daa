/**
 * A process of the application: its partitions, its topic log with what reads it and publishes to it, and the
 * coordinator of its snapshots, all of them the real ones. What is between them is late, in any order; chance
 * decides what happens next.
 */
import assert from "node:assert/strict";
import { unreachable } from "../../../src/base/assert.ts";
import { type Deferred, deferred } from "../../../src/base/deferred.ts";
import { StatefoldError } from "../../../src/base/errors.ts";
import type { BlobStore } from "../../../src/blob/contract.ts";
import type { Egress } from "../../../src/egress/contract.ts";
import { LogEgress } from "../../../src/egress/log.ts";
import type { SourceSink } from "../../../src/ingress/contract.ts";
import { LogIngress } from "../../../src/ingress/log.ts";
import { TopicLog } from "../../../src/log/topic-log.ts";
import type { SourceBatch } from "../../../src/model/source.ts";
import { nothingOlder } from "../../../src/node/older-records.ts";
import { Publishers } from "../../../src/node/publishers.ts";
import { peerInput } from "../../../src/partition/peers.ts";
import type { Input, Release, Turn } from "../../../src/partition/ports.ts";
import { type ClaimOptions, claim } from "../../../src/snapshot/claim.ts";
import { Coordinator, type TakenSnapshot } from "../../../src/snapshot/coordinator.ts";
import type { Ownership } from "../../../src/snapshot/ownership.ts";
import { stepwisePacking } from "../../../src/snapshot/packing.ts";
import { decodeParked } from "../../../src/store/records/parked.ts";
import { createLogger } from "../../../src/telemetry/logger.ts";
import { binding, EGRESS, Harness, PLAIN, TYPE } from "../../partition/harness.ts";
import type { FakeBlobStore } from "../../support/blob/fake.ts";
import type { Rng } from "../../support/rng.ts";
import type { Machine } from "./machine.ts";
import type { SnapshotPaths } from "./paths.ts";
import type { ProcessTime } from "./time.ts";
import { handOn, INGRESS, TOPIC } from "./tokens.ts";

export const APPLICATION = "test";
export const LEASE_MS = 3_000;
export const GRACE_MS = 4_000;
export const KEPT = 2;

const SILENT = createLogger({ level: "silent" });

export interface LifeOptions {
  readonly machine: Machine;
  readonly rng: Rng;
  readonly time: ProcessTime;
  readonly blob: BlobStore;
  readonly store: FakeBlobStore;
  readonly everyMs: number;
  /** How late others hear of a barrier, at most. */
  readonly lateMs: number;
  /** Records leave when a snapshot covers them. */
  readonly isHeld: boolean;
  readonly paths: SnapshotPaths;
  readonly onComplete: (taken: TakenSnapshot) => void;
}

interface Offered {
  readonly partition: number;
  readonly batch: SourceBatch;
  readonly taken: Deferred<void>;
}

export class Life {
  readonly options: LifeOptions;
  readonly log: TopicLog;
  fenced: StatefoldError | undefined;
  abandoned = 0;
  isCured = false;
  readonly #harnesses: readonly Harness[];
  readonly #publishers: readonly Publishers[];
  readonly #ingress: LogIngress;
  readonly #offered: Offered[] = [];
  readonly #wires = new Map<string, { readonly to: number; readonly input: Input }[]>();
  #coordinator: Coordinator | undefined;

  private constructor(options: LifeOptions, log: TopicLog, harnesses: readonly Harness[]) {
    const { rng, time } = options;
    this.options = options;
    this.log = log;
    this.#harnesses = harnesses;
    const egress = late(new LogEgress({ id: EGRESS, log }), log, options);
    this.#publishers = harnesses.map(({ partition }, index) => {
      return new Publishers({
        ...{ partition: index, egresses: new Map([[EGRESS, egress]]), logger: SILENT },
        acknowledge: (input) => {
          const isFirst = (input.barrier ?? 0) > partition.barrier.wanted;
          options.paths.hitIf(isFirst, "cutByAcknowledgement");
          partition.offer(input);
        },
        mayPublish: (id, first) => this.#mayPublish(id, first),
        onFenced: () => assert.fail("nobody else publishes"),
        onPublished: () => {},
        sleep: (delayMs, signal) => time.wait(delayMs, signal).catch(() => {}),
        random: rng.random,
      });
    });
    const route = { topic: TOPIC, valueType: PLAIN, targets: [TYPE] };
    this.#ingress = new LogIngress({
      settings: {
        ...{ id: INGRESS, topics: [route], onInvalid: "stop" },
        startupPosition: { type: "earliest" },
      },
      ...{ log, batchRecords: 3, random: rng.random },
      sleep: (waitMs, signal) => time.wait(waitMs, signal),
    });
    for (const harness of harnesses) {
      const turn = harness.turn.bind(harness);
      harness.turn = (...inputs) => this.#seen(harness, turn(...inputs));
    }
  }

  /** On what its machine has; it begins to take snapshots when the prefix is its own. */
  static async open(options: LifeOptions): Promise<Life> {
    const { machine, rng } = options;
    let life: Life | undefined;
    const log = await TopicLog.open("/data", {
      ...{ files: machine.logDisk.boot(), partitions: 3, clock: options.time },
      segmentBytes: rng.pick([400, 3_000]),
      onCut: (cut) => {
        const coordinator = life === undefined ? undefined : life.#coordinator;
        if (coordinator === undefined) cut.close();
        else coordinator.logCut(cut);
      },
    });
    const harnesses: Harness[] = [];
    const partitionCount = machine.disks.length;
    for (const [partition, disk] of machine.disks.entries()) {
      harnesses.push(
        await Harness.open({
          ...{ partition, partitionCount, disk, snapshots: true, isHeld: options.isHeld },
          functions: { [TYPE]: binding({ concurrency: 3, maxBatchMessages: 2 }) },
          limits: { outboxBytesInMemory: 1_000, mailBytesInMemory: 3_000 },
        }),
      );
    }
    life = new Life(options, log, harnesses);
    return life;
  }

  /** What is done for snapshots. */
  get phase(): Coordinator["phase"] {
    return this.#coordinator?.phase ?? "idle";
  }

  get count(): number {
    return this.#harnesses.length;
  }

  /** @throws StatefoldError SNAPSHOT_OWNED, SNAPSHOT_FOREIGN, BLOB_UNAVAILABLE */
  async claim(): Promise<void> {
    const { blob, time, machine } = this.options;
    this.own(await claim(claimOf(blob, time, machine)));
  }

  /** Snapshots are taken from now on. */
  own(owner: Ownership): void {
    const { blob, time: clock, everyMs, onComplete } = this.options;
    const life = this;
    this.#coordinator = new Coordinator({
      numbers: APPLICATION,
      ...{
        blob,
        owner,
        clock,
        everyMs,
        keep: KEPT,
        graceMs: GRACE_MS,
        listEveryMs: 2_000,
        packing: stepwisePacking,
      },
      ...{ cutTimeoutMs: 4_000, segmentBytes: 3_000 },
      partitions: {
        count: this.count,
        get barrier() {
          return Math.max(...life.#harnesses.map(({ partition }) => partition.barrier.number));
        },
        announce: (barrier) => this.#announce(barrier),
        completed: (barrier) => {
          for (const { partition } of this.#harnesses) {
            if (this.options.rng.chance(0.9))
              partition.offer({ kind: "snapshotComplete", barrier });
          }
        },
      },
      log: {
        get barrier() {
          return life.log.barrier;
        },
        // It may hear of it by what is published.
        cutFor: (barrier) => this.#later(() => this.log.cutFor(barrier)),
      },
      listener: {
        onComplete,
        onAbandoned: () => {
          this.abandoned++;
          this.options.paths.hit("abandoned");
        },
        onFenced: (error) => {
          this.fenced = error;
        },
        onTrouble: () => {},
      },
    });
    this.#coordinator.start();
  }

  async start(): Promise<void> {
    const hosts = this.#harnesses;
    const sink: SourceSink = {
      partitionCount: this.count,
      position: async (source, partition) => hosts[partition]?.partition.positions.next(source),
      durable: async (source, partition) => hosts[partition]?.partition.positions.durable(source),
      take: async (partition, batch) => {
        const taken = deferred<void>();
        this.#offered.push({ partition, batch, taken });
        await taken.promise;
      },
    };
    await this.#ingress.start(sink);
  }

  /** A snapshot of what is there now. */
  async take(): Promise<TakenSnapshot> {
    assert(this.#coordinator !== undefined);
    return await this.#coordinator.take();
  }

  /** The process is gone: what is not durable is, too. */
  die(how: "kill" | "power"): void {
    const { time, machine, rng } = this.options;
    time.die();
    if (how === "kill") machine.logDisk.kill();
    else machine.logDisk.losePower();
    for (const { commit, disk } of this.#harnesses) {
      if (commit !== undefined && rng.chance(0.5)) disk.apply(commit.writes, commit.epoch);
    }
  }

  #announce(barrier: number): void {
    for (const { partition } of this.#harnesses) {
      this.#later(() => partition.offer({ kind: "barrier", barrier }));
    }
  }

  #later(run: () => void): void {
    const { rng, time, lateMs } = this.options;
    // It is told again; but not for ever where nothing may fail any more.
    if (rng.chance(0.2) && !this.isCured) return;
    time.after(rng.random() * lateMs, run);
  }

  #seen(harness: Harness, turn: Turn): Turn {
    if (turn.cut === undefined) return turn;
    const { barrier, changes } = turn.cut;
    const snapshot = harness.disk.snapshot();
    const cut = { partition: harness.index, barrier, changes, snapshot };
    this.#coordinator?.cut(cut);
    return turn;
  }

  /** Something happens, somewhere. */
  step(): void {
    const { rng, time } = this.options;
    const harness = rng.pick(this.#harnesses);
    harness.nowMs = Math.max(harness.nowMs, time.now());
    switch (rng.int(7)) {
      case 0:
        return void (harness.read !== undefined && harness.answerRead());
      case 1:
        return void (harness.commit !== undefined && harness.completeCommit());
      case 2:
      case 3:
        return this.#answer(harness);
      case 4:
        return this.#carry();
      case 5:
        return this.#feed();
      default:
        harness.turn();
        for (const release of harness.released.splice(0)) this.#release(harness.index, release);
        if (rng.chance(0.05) || this.isCured) this.#unpark(harness);
    }
  }

  #answer(harness: Harness): void {
    const [started] = harness.started;
    if (started === undefined) return;
    const { invocation } = started;
    const { rng } = this.options;
    if (!this.isCured && rng.chance(0.02)) return void harness.fail(invocation.target.id);
    harness.answer(handOn(rng, invocation), invocation.target.id);
  }

  #feed(): void {
    const { rng, paths } = this.options;
    const [next] = this.#offered.splice(rng.int(this.#offered.length || 1), 1);
    if (next === undefined) return;
    const { partition } = this.#harnesses[next.partition] ?? {};
    const isFirst = (next.batch.barrier ?? 0) > (partition?.barrier.wanted ?? 0);
    paths.hitIf(isFirst, "cutByRecords");
    partition?.offer({ kind: "source", ...next.batch });
    next.taken.resolve();
  }

  #unpark(harness: Harness): void {
    for (const { value } of harness.stored("parked")) {
      const { address } = decodeParked(value);
      harness.turn(harness.operator({ kind: "retryParked", address }));
    }
  }

  #release(from: number, release: Release): void {
    switch (release.kind) {
      case "channel":
      case "acknowledge":
      case "resume":
        return this.#send(from, release.to, peerInput(from, release));
      case "publish":
        this.options.paths.hitIf(release.heirOf !== undefined, "heirPublishes");
        return this.#publishers[from]?.add(release);
      case "accepted":
      case "replied":
      case "pending":
      case "unknownCall":
      case "refused":
      case "operated":
        return;
      default:
        return unreachable(release);
    }
  }

  #mayPublish(egress: string, first: number): boolean {
    const partitions = this.#harnesses.map(({ partition }) => partition);
    const isFree = nothingOlder(partitions, egress, first);
    this.options.paths.hitIf(!isFree, "waitsForOlder");
    return isFree;
  }

  #send(from: number, to: number, input: Input): void {
    const name = `${from}>${to}`;
    this.#wires.set(name, [...(this.#wires.get(name) ?? []), { to, input }]);
  }

  #carry(): void {
    const waiting = [...this.#wires.values()].filter((wire) => wire.length > 0);
    if (waiting.length === 0) return;
    const next = this.options.rng.pick(waiting).shift();
    if (next !== undefined) this.#harnesses[next.to]?.partition.offer(next.input);
  }
}

/** How the process on a machine asks for the prefix. */
export function claimOf(blob: BlobStore, clock: ProcessTime, { data }: Machine): ClaimOptions {
  const runtime = { data, host: data, pid: 1, command: "simulated" };
  const limits = { incarnation: 0, leaseMs: LEASE_MS };
  return { blob, clock, application: APPLICATION, runtime, ...limits };
}

/** What goes to it, and what it answers, is on its way for a while; some answers are lost. */
function late(egress: LogEgress, log: TopicLog, { rng, time, paths }: LifeOptions): Egress {
  return {
    id: egress.id,
    start: () => egress.start(),
    open: () => egress.open(),
    check: (value) => egress.check(value),
    publish: async (...args) => {
      await time.wait(rng.pick([0, 5, 80]));
      paths.hitIf((args[4] ?? 0) > log.barrier, "logCutByRecord");
      const published = await egress.publish(...args);
      await time.wait(rng.pick([0, 5, 80]));
      if (rng.chance(0.1)) throw new StatefoldError("UNAVAILABLE", "the answer was lost");
      return published;
    },
    stop: () => egress.stop(),
  };
}
