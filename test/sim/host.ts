/**
 * Drives one partition in simulated time: executes what its turns return, with delays, doubles and
 * losses, and takes it down. The counterpart of src/partition/driver.ts and src/node/partition-host.ts.
 */
import assert from "node:assert/strict";
import { addressKey } from "../../src/model/address.ts";
import type { Invocation, Outcome } from "../../src/model/invocation.ts";
import type { Partition } from "../../src/partition/partition.ts";
import type {
  Commit,
  Cut,
  Directory,
  Input,
  ReadRequest,
  Release,
  StartedInvocation,
  Turn,
} from "../../src/partition/ports.ts";
import { openPartition } from "../../src/partition/recovery.ts";
import type { Rng } from "../support/rng.ts";
import { audit, auditMemory, auditQuiet } from "./audit.ts";
import { Bounds } from "./bounds.ts";
import { Callers } from "./callers.ts";
import { checkLiveness, checkReleased, checkSums, type Moment } from "./checks.ts";
import type { NodeClock } from "./clock.ts";
import { CutWatch } from "./cut-watch.ts";
import { SimDisk } from "./disk.ts";
import type { Faults } from "./faults.ts";
import type { SimFrames } from "./frames/frames.ts";
import type { SimFunctions } from "./functions.ts";
import { Lines } from "./lines.ts";
import { Network } from "./network.ts";
import type { Schedule } from "./schedule.ts";
import { Shadow } from "./shadow.ts";
import type { Swarm } from "./swarm.ts";
import type { TimerBook } from "./timer-book.ts";
import { Watch } from "./watch.ts";

export interface HostOptions {
  readonly index: number;
  readonly swarm: Swarm;
  readonly functions: SimFunctions;
  readonly schedule: Schedule;
  readonly clock: NodeClock;
  readonly rng: Rng;
  readonly faults: Faults;
  readonly timers: TimerBook;
  /** Many calls in one request, where the functions take them so. */
  readonly frames: SimFrames | undefined;
  /** The module as it is now. */
  readonly directory: () => Directory;
  /** Everything but what the host does itself. */
  readonly onRelease: (from: Host, release: Release) => void;
  /** It is ready to be opened by {@link Host.load}, since its recovery has had its time. */
  readonly onLoad: (host: Host) => void;
  /** A turn is over: there may be room for more. */
  readonly onTurn: (host: Host) => void;
  /** The disk failed: the partition must be opened again. */
  readonly onFailure: (host: Host) => void;
  /** Its part of a snapshot. */
  readonly onCut: (host: Host, cut: Cut, view: SimDisk) => void;
  /** Default: an empty one. */
  readonly disk?: SimDisk;
}

interface Up {
  readonly kind: "up";
  readonly partition: Partition;
  readonly watch: Watch;
  readonly bounds: Bounds;
  readonly lines: Lines;
  readonly callers: Callers;
  readonly cuts: CutWatch;
  /** Addresses with a call that has not been answered. */
  readonly inFlight: Set<string>;
  /** Answers that were given and, as far as can be seen, not applied. */
  readonly answers: Map<number, { readonly invocation: Invocation; readonly outcome: Outcome }>;
  /** Invocations whose answer is not applied. */
  readonly tickets: Set<number>;
  isOpen: boolean;
}

export type Life = { readonly kind: "down" } | { readonly kind: "opening" } | Up;

/** As in src/node/partition-host.ts. */
const RECOVERED_AFTER_MS = 30_000;

export class Host {
  readonly disk: SimDisk;
  readonly index: number;
  readonly shadow: Shadow;
  life: Life = { kind: "down" };
  /** Counts lives: what was begun in an earlier one does not reach a later one. */
  generation = 0;
  /** Failures in a row, of a life or of an opening. */
  failures = 0;
  /** True time since when it is up. */
  openedMs = 0;
  readonly #options: HostOptions;
  readonly #network: Network;
  #offered: Input[] = [];
  #turnDue = false;
  #wakeMs = Infinity;
  #reading: ReadRequest | undefined;
  #running: Commit | undefined;
  /** The running commit has failed. */
  #hasFailed = false;
  /** The commit is on the disk, and the partition has not had a turn since. */
  #isUntold = false;
  #lastTurnMs = 0;
  #turns = 0;
  /** Give up the calls that share a request with others. */
  readonly #shared = new Set<() => void>();

  constructor(options: HostOptions) {
    this.#options = options;
    this.index = options.index;
    this.disk = options.disk ?? new SimDisk();
    this.#network = new Network(options);
    const { clock, schedule, faults, timers } = options;
    this.shadow = new Shadow({ clock, schedule, paths: faults.paths, timers });
    this.disk.trouble = () => faults.strikes("readFails", 0.05);
  }

  /** Keys and replies expire within a run. */
  get isForgetful(): boolean {
    return this.#options.swarm.limits.retentionMs < 60_000;
  }

  /** The module as this life knows it: it changes only while all are down. */
  get directory(): Directory {
    return this.#options.directory();
  }

  get partition(): Partition | undefined {
    return this.life.kind === "up" ? this.life.partition : undefined;
  }

  /** Begins to open; it takes its time, and a crash may come before it ends. */
  open(): void {
    assert.equal(this.life.kind, "down");
    this.generation++;
    this.life = { kind: "opening" };
    this.#later(20, () => this.#options.onLoad(this));
  }

  /** Reads the disk. Fails as it fails. */
  async load(): Promise<void> {
    assert.equal(this.life.kind, "opening");
    const { index, swarm, directory, rng, faults } = this.#options;
    const { limits, partitions } = swarm;
    const isBehind = this.disk.epoch < this.disk.witness;
    let partition: Partition;
    try {
      partition = await openPartition(this.disk, {
        ...{ formatVersion: 1, application: "sim", partition: index, partitionCount: partitions },
        ...{ directory: directory(), limits, random: rng.random },
        lostEpoch: isBehind ? this.disk.witness : undefined,
        snapshots: swarm.barriers !== undefined,
      });
    } catch (error) {
      if (!(error instanceof Error && error.message === "the disk does not read")) throw error;
      faults.paths.hit("recoveryReadFailed");
      return this.#options.onFailure(this);
    }
    if (isBehind) faults.paths.hit("lossAccepted");
    this.shadow.opened(this.disk);
    const [inFlight, answers, tickets] = [new Set<string>(), new Map(), new Set<number>()];
    const seen = {
      watch: new Watch(partition, limits, faults.paths),
      bounds: new Bounds(partition, limits),
      lines: new Lines(partition),
      callers: new Callers(partition),
      cuts: new CutWatch(partition, this.disk, limits, faults.paths),
    };
    this.life = { kind: "up", partition, ...seen, inFlight, answers, tickets, isOpen: false };
    this.openedMs = this.#options.schedule.nowMs;
    this.#turnSoon();
  }

  /**
   * Memory is gone; a running commit is on the disk as a whole or not at all.
   * @param how `drain`: what is running ends first; `power`: epochs that were synced may be gone, too
   */
  crash(how: "kill" | "drain" | "failure" | "power" = "kill"): void {
    const { rng, faults, schedule } = this.#options;
    const { paths } = faults;
    if (this.#running !== undefined) {
      const isKept = how === "drain" || rng.chance(0.5);
      if (isKept) this.#land(this.#running);
      if (how === "kill") paths.hit(isKept ? "crashCommitKept" : "crashCommitLost");
      if (this.#hasFailed) paths.hit(isKept ? "commitFailedWritten" : "commitFailedUnwritten");
    }
    if (how === "kill") this.#observeCrash();
    this.shadow.lost();
    if (how === "power" && this.disk.lose(1 + rng.int(10)) > 0) {
      this.#options.timers.isBelieved = false;
      this.shadow.believe(this.disk);
    }
    this.#running = undefined;
    this.#hasFailed = false;
    this.#reading = undefined;
    this.#isUntold = false;
    this.#offered = [];
    this.#turnDue = false;
    this.#wakeMs = Infinity;
    this.#lastTurnMs = schedule.nowMs;
    this.life = { kind: "down" };
    this.generation++;
    for (const giveUp of this.#shared) giveUp();
    this.#shared.clear();
  }

  /** What was offered, and not looked at yet. */
  get hasInput(): boolean {
    return this.#offered.length > 0;
  }

  /** False: nobody is there to take it. */
  offer(input: Input): boolean {
    if (this.life.kind !== "up") return false;
    this.life.bounds.offered(input, this.#offered);
    this.life.partition.offer(input);
    this.#offered.push(input);
    this.#turnSoon();
    return true;
  }

  /** The clock has jumped: a sleeping driver looks again within a second. */
  jumped(byMs: number): void {
    if (this.life.kind !== "up") return;
    this.life.watch.jumped(byMs, this.#options.clock.now());
    this.#wakeMs = Infinity;
    this.#later(1_000, () => this.#turnSoon());
  }

  auditQuiet(): void {
    audit(this.disk, this.shadow);
    assert(this.life.kind === "up");
    auditMemory(this.disk, this.life.partition);
    auditQuiet(this.disk, this.life.partition);
  }

  #later(maxMs: number, run: () => void): void {
    const { generation } = this;
    this.#options.schedule.after(this.#options.rng.random() * maxMs, () => {
      if (generation === this.generation) run();
    });
  }

  #turnSoon(): void {
    if (this.#turnDue) return;
    this.#turnDue = true;
    this.#later(0.2, () => {
      this.#turnDue = false;
      this.#turn();
    });
  }

  #turn(): void {
    if (this.life.kind !== "up") return;
    const { life } = this;
    const { partition, watch, tickets } = life;
    const { clock, onRelease, timers } = this.#options;
    const nowMs = clock.now();
    const inputs = this.#offered;
    this.#offered = [];
    this.#isUntold = false;
    life.isOpen ||= inputs.some(({ kind }) => kind === "committed");
    watch.before(inputs, tickets);
    this.shadow.asked(inputs);
    life.cuts.before(inputs, life.isOpen);
    const { number } = partition.barrier;
    const turn = partition.turn(nowMs);
    if (turn.cut !== undefined) this.#cut(life, turn.cut);
    life.cuts.after(turn, number);
    timers.lastTurnMs = this.#lastTurnMs;
    this.#applied(life, inputs, nowMs);
    this.#lastTurnMs = this.#options.schedule.nowMs;
    for (const { invocation, ticket } of turn.invocations) {
      this.shadow.started(invocation, nowMs, this.openedMs);
      tickets.add(ticket);
    }
    watch.after(turn.read, turn.invocations);
    life.bounds.heard(inputs);
    if (life.isOpen) {
      life.bounds.after(turn, nowMs);
      life.lines.after();
    }
    life.callers.after(inputs, turn.releases);
    for (const release of turn.releases) {
      checkReleased(this.disk, release);
      onRelease(this, release);
    }
    if (turn.read !== undefined) this.#read(turn.read);
    if (turn.commit !== undefined) this.#commit(turn.commit);
    this.#check(life, turn, nowMs);
    for (const started of turn.invocations) this.#invoke(life, started);
    if (turn.wakeAtMs !== undefined) this.#wakeAt(turn.wakeAtMs - nowMs);
    this.#options.onTurn(this);
  }

  #cut(life: Up, cut: Cut): void {
    assert.equal(this.#running, undefined, "I7: a cut in the middle of a commit");
    life.cuts.cut(cut);
    const { isSurveyed } = life.partition.mailboxes;
    this.#options.faults.paths.hitIf(!isSurveyed, "cutSurveying");
    this.#options.onCut(this, cut, this.disk.copy());
  }

  #wakeAt(afterMs: number): void {
    const { schedule } = this.#options;
    const atMs = schedule.nowMs + Math.max(0, afterMs);
    if (this.#wakeMs <= atMs && this.#wakeMs > schedule.nowMs) return;
    this.#wakeMs = atMs;
    const { generation } = this;
    schedule.after(afterMs, () => {
      if (generation === this.generation) this.#turnSoon();
    });
  }

  /** Which answers this turn has applied: those whose address is no longer running with their ticket. */
  #applied(life: Up, inputs: readonly Input[], nowMs: number): void {
    const { answers } = life;
    const look = (ticket: number) => {
      const answer = answers.get(ticket);
      if (answer === undefined) return;
      const { invocation, outcome } = answer;
      const phase = life.partition.mailboxes.get(addressKey(invocation.target))?.phase;
      if (phase?.kind === "running" && phase.ticket === ticket) return;
      answers.delete(ticket);
      life.tickets.delete(ticket);
      const isRefused = this.#options.functions.isRefused(outcome);
      const count = invocation.messages.length;
      life.watch.applied(invocation.target.type, outcome, isRefused, count);
      if (outcome.kind !== "reply" || isRefused) return;
      this.shadow.applied(invocation, outcome.effects, nowMs);
    };
    const fresh = new Set(inputs.flatMap((each) => (each.kind === "outcome" ? [each.ticket] : [])));
    const held = [...answers.keys()].filter((ticket) => !fresh.has(ticket));
    // Those that waited for a read come with it, others that waited come first.
    if (!inputs.some(({ kind }) => kind === "read")) held.forEach(look);
    for (const input of inputs) {
      if (input.kind === "outcome") look(input.ticket);
      else if (input.kind === "read") held.forEach(look);
    }
  }

  #check(life: Up, turn: Turn, nowMs: number): void {
    if (!life.isOpen) return;
    const { partition, tickets } = life;
    const moment: Moment = {
      ...{ partition, turn, nowMs, tickets, disk: this.disk },
      limits: this.#options.swarm.limits,
      isReading: this.#reading !== undefined,
      isCommitting: this.#running !== undefined || this.#isUntold,
    };
    checkLiveness(moment);
    const { epochs } = partition;
    const isBusy = moment.isReading || moment.isCommitting || epochs.dirtySinceMs !== undefined;
    if (!isBusy && (turn.wakeAtMs ?? Infinity) > nowMs) life.callers.atRest();
    if (this.#turns++ % 4 === 0) checkSums(moment);
    if (!partition.mailboxes.isSurveyed) auditMemory(this.disk, partition);
  }

  #read(request: ReadRequest): void {
    const { rng, faults, swarm } = this.#options;
    assert.equal(this.#reading, undefined, "two reads at once");
    this.#reading = request;
    const read = (): Input => ({
      kind: "read",
      values: this.disk.read(request.keys),
      scans: request.ranges.map((range) => this.disk.list(range)),
    });
    // The store may have looked at any moment before it answers.
    const early = rng.chance(0.5) ? read() : undefined;
    this.#later(swarm.slow.readMs, () => {
      if (faults.strikes("readFails", 0.03)) {
        faults.paths.hit("readFailed");
        return this.#options.onFailure(this);
      }
      this.#reading = undefined;
      this.offer(early ?? read());
    });
  }

  #commit(commit: Commit): void {
    const { faults, onFailure, swarm, schedule, rng } = this.#options;
    assert.equal(this.#running, undefined, "I3: two commits at once");
    const isNext = commit.epoch === this.disk.epoch + 1 || this.disk.epoch < this.disk.witness;
    assert(isNext, "I3: epochs follow each other");
    this.shadow.beginCommit(commit.writes, this.disk);
    this.#running = commit;
    const isSlow = faults.isDuring("diskSlow", "", schedule.nowMs);
    const maxMs = isSlow ? 2_000 * (1 + rng.random()) : swarm.slow.commitMs;
    const beganMs = schedule.nowMs;
    this.#later(maxMs, () => {
      if (isSlow) faults.count("diskSlow");
      faults.paths.hitIf(schedule.nowMs - beganMs > 1_000, "diskSlow");
      const isFull = faults.isDuring("diskFull", "", schedule.nowMs);
      if (isFull) faults.count("diskFull");
      faults.paths.hitIf(isFull, "diskFull");
      this.#hasFailed = isFull || faults.strikes("commitFails", 0.05);
      if (this.#hasFailed) return onFailure(this);
      this.#land(commit);
      this.#running = undefined;
      this.#isUntold = true;
      if (schedule.nowMs - this.openedMs >= RECOVERED_AFTER_MS) this.failures = 0;
      this.offer({ kind: "committed", epoch: commit.epoch });
    });
  }

  /** A commit reaches the disk. */
  #land(commit: Commit): void {
    this.disk.apply(commit.writes, commit.epoch);
    if (this.life.kind === "up") this.life.watch.committed(commit.writes);
    this.shadow.durable();
    if (this.#options.rng.chance(0.2)) audit(this.disk, this.shadow);
  }

  #invoke(life: Up, { ticket, invocation }: StartedInvocation): void {
    const { faults, swarm, frames } = this.#options;
    const { inFlight, answers } = life;
    const address = addressKey(invocation.target);
    assert(!inFlight.has(address), `I1: ${address} is called twice at once`);
    inFlight.add(address);
    const settle = (outcome: Outcome): void => {
      inFlight.delete(address);
      answers.set(ticket, { invocation, outcome });
      this.offer({ kind: "outcome", ticket, outcome });
      if (!faults.strikes("doubles", 0.3)) return;
      this.#later(20, () => this.offer({ kind: "outcome", ticket, outcome }));
    };
    const alone = (): void => {
      this.#later(swarm.slow.networkMs, () => {
        const { outcome, maxMs } = this.#network.call(invocation);
        this.#later(maxMs, () => {
          if (outcome.kind === "reply") frames?.offered();
          settle(outcome);
        });
      });
    };
    if (frames === undefined || !frames.isOpen) return alone();
    const giveUp = frames.call(this.index, invocation, {
      settle: (outcome) => {
        this.#shared.delete(giveUp);
        settle(outcome);
      },
      alone: () => {
        this.#shared.delete(giveUp);
        alone();
      },
    });
    this.#shared.add(giveUp);
  }

  #observeCrash(): void {
    const { paths } = this.#options.faults;
    const { life } = this;
    if (life.kind === "opening") return paths.hit("crashRecovering");
    if (life.kind === "down") return;
    life.watch.crashed();
    life.cuts.crashed();
    paths.hitIf(!life.isOpen, "crashBeforeSession");
    paths.hitIf(this.#isUntold && life.isOpen, "crashBeforeRelease");
    paths.hitIf(life.inFlight.size > 0, "crashCalling");
    paths.hitIf(this.shadow.hasUncommitted, "crashUncommitted");
  }
}
