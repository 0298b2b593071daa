/**
 * The snapshots of an application over its lives: it crashes and starts again, loses its disk and is restored, on
 * other numbers of partitions; it stands still while another takes over, and wakes up; others try to. The
 * bucket is slow, fails, loses answers, lists late. Every snapshot that comes to be complete is restored
 * at once, to be looked at.
 */
import assert from "node:assert/strict";
import { setImmediate } from "node:timers/promises";
import { StatefoldError } from "../../../src/base/errors.ts";
import type { BlobStore } from "../../../src/blob/contract.ts";
import { claim, enrol } from "../../../src/snapshot/claim.ts";
import type { TakenSnapshot } from "../../../src/snapshot/coordinator.ts";
import { type Head, withHeir } from "../../../src/snapshot/head.ts";
import type { Ownership } from "../../../src/snapshot/ownership.ts";
import { FakeBlobStore, FakeBucket, NO_FAULTS } from "../../support/blob/fake.ts";
import { createRng, type Rng } from "../../support/rng.ts";
import { Schedule } from "../schedule.ts";
import { BucketWatch } from "./bucket-watch.ts";
import { APPLICATION, claimOf, GRACE_MS, LEASE_MS, Life } from "./life.ts";
import { blobFor, drawFaults, Machine } from "./machine.ts";
import { SnapshotPaths } from "./paths.ts";
import { restoreOn } from "./restoring.ts";
import { ProcessTime } from "./time.ts";
import { idOf, newTokens, TOPIC, type Token, textOfToken } from "./tokens.ts";

const COUNTS = [1, 4, 3, 8];
/** Of anything that must come to an end. */
const PATIENCE_TICKS = 20_000;

export class SnapshotWorld {
  readonly seed: number;
  readonly paths = new SnapshotPaths();
  readonly schedule = new Schedule();
  readonly #rng: Rng;
  readonly #bucket = new FakeBucket();
  readonly #watch = new BucketWatch(this.#bucket);
  readonly #tokens: readonly Token[];
  readonly #everyMs: number;
  readonly #lateMs: number;
  readonly #isHeld: boolean;
  readonly #zombies: Life[] = [];
  #directories = 0;
  #isCured = false;
  #main: Life | undefined;

  constructor(seed: number) {
    this.seed = seed;
    this.#rng = createRng(seed ^ 0x5a5a5a5a);
    this.#tokens = newTokens(this.#rng, 3 + this.#rng.int(10));
    this.#everyMs = this.#rng.pick([50, 200, 1_000]);
    this.#lateMs = this.#rng.pick([1, 30, 300]);
    this.#isHeld = this.#rng.chance(0.25);
  }

  async run(): Promise<void> {
    const rng = this.#rng;
    let at = rng.int(COUNTS.length);
    const first = this.#machine(COUNTS[at] ?? 1);
    this.#main = await this.#live(first, true);
    for (let voyage = 1 + rng.int(3); voyage > 0; voyage--) {
      await this.#sail(100 + rng.int(500));
      if ((this.#watch.head?.snapshots.length ?? 0) === 0) continue;
      at = (at + 1) % COUNTS.length;
      await this.#loseDisk(COUNTS[at] ?? 1);
    }
    await this.#sail(100 + rng.int(200));
    await this.#end();
  }

  /** What a run came to; the same again for the same seed. */
  get outcome() {
    const { steps, nowMs } = this.schedule;
    return { steps, nowMs, counts: this.paths.counts, head: this.#watch.head };
  }

  get #life(): Life {
    assert(this.#main !== undefined);
    return this.#main;
  }

  #machine(partitions: number): Machine {
    return new Machine(`d${++this.#directories}`, partitions, this.#rng);
  }

  /** A process on what a machine has, which owns the prefix when this resolves. */
  async #live(machine: Machine, isFirst = false): Promise<Life> {
    for (;;) {
      const life = await this.#opened(machine);
      if (isFirst) await this.#cast(life);
      isFirst = false;
      try {
        await this.#during(life.claim());
        await life.start();
        return life;
      } catch (error) {
        life.die("kill");
        if (codeOf(error) === "SNAPSHOT_OWNED" && this.#zombies.length > 0) this.#stopZombies();
        else if (codeOf(error) !== "BLOB_UNAVAILABLE") throw error;
      }
    }
  }

  /** One that only seemed to be gone was back before its successor came: an operator stops it, as he is told to. */
  #stopZombies(): void {
    for (const { options } of this.#zombies) if (!options.time.isDead) options.time.die();
  }

  #process(rng: Rng, faults = this.#isCured ? NO_FAULTS : drawFaults(rng)): Process {
    const time = new ProcessTime(this.schedule);
    return { time, ...blobFor(this.#bucket, time, rng.fork(), faults) };
  }

  async #opened(machine: Machine, process = this.#process(this.#rng.fork())): Promise<Life> {
    const rng = this.#rng.fork();
    return await Life.open({
      ...{ machine, rng, ...process, everyMs: this.#everyMs, lateMs: this.#lateMs },
      ...{ paths: this.paths, isHeld: this.#isHeld },
      onComplete: (taken) => this.#completed(taken),
    });
  }

  /** From outside, before anything runs. */
  async #cast({ log }: Life): Promise<void> {
    const topic = await log.topic(TOPIC);
    await topic.append(
      this.#tokens.map((token) => ({
        key: Buffer.from(idOf(this.#rng)),
        value: Buffer.from(textOfToken(token)),
        ...{ headers: [], timestampMs: undefined },
      })),
    );
  }

  #completed({ manifest }: TakenSnapshot): void {
    const segments = manifest.partitions.flatMap((share) => share.segments);
    this.paths.hitIf(
      segments.some(({ delta }) => delta),
      "onTop",
    );
    const logs = manifest.topics.flatMap(({ partitions }) => partitions);
    const parts = logs.flatMap((each) => each.segments.map((segment) => segment.parts.length));
    this.paths.hitIf(
      parts.some((count) => count > 1),
      "topicGrown",
    );
    this.paths.hitIf(
      logs.some((each) => each.segments.length > 1),
      "topicClosed",
    );
  }

  /** So many moments, in which things go wrong. */
  async #sail(ticks: number): Promise<void> {
    const rng = this.#rng;
    for (let tick = 0; tick < ticks; tick++) {
      await this.#tick();
      const fate = rng.random();
      if (fate < 0.006) await this.#crash();
      else if (fate < 0.008) await this.#rival();
      else if (fate < 0.009) await this.#stranger();
      else if (fate < 0.02) this.#life.options.store.faults = drawFaults(rng);
    }
  }

  async #tick(): Promise<void> {
    const lives = [...this.#zombies, ...(this.#main === undefined ? [] : [this.#main])];
    for (const life of lives) {
      const { isDead, isFrozen } = life.options.time;
      if (isDead || isFrozen) continue;
      if (life.fenced !== undefined) this.#shutOut(life);
      else for (let steps = 4; steps > 0; steps--) life.step();
    }
    const untilMs = this.schedule.nowMs + this.#rng.int(15);
    await this.#settle();
    while (this.schedule.step(untilMs)) await this.#settle();
    this.schedule.nowMs = untilMs;
  }

  /** Whatever can go on at this moment has gone on, and what came of it is looked at. */
  async #settle(): Promise<void> {
    await setImmediate();
    for (const name of this.#watch.look(this.schedule.nowMs)) await this.#check(name);
  }

  async #check(name: string): Promise<void> {
    this.paths.hit("complete");
    const counts = this.#isCured ? COUNTS : [this.#rng.pick(COUNTS)];
    for (const count of counts) {
      const machine = new Machine("scratch", count, this.#rng);
      const blob = new FakeBlobStore(this.#bucket);
      const { inFlight, renumbered, published } = await restoreOn({
        ...{ blob, name, machine, tokens: this.#tokens },
        as: this.#rng.chance(0.5) ? "fork" : undefined,
        incarnation: async (least) => least + 2,
      });
      this.paths.hitIf(inFlight > 0, "inFlight");
      this.paths.hitIf(renumbered > 0, "renumbered");
      this.paths.hitIf(published > 0, "published");
    }
  }

  async #crash(): Promise<void> {
    const life = this.#life;
    const { machine } = life.options;
    const phase = life.phase;
    if (phase === "idle") this.paths.hit("crashIdle");
    else this.paths.hit(phase === "gathering" ? "crashGathering" : "crashWriting");
    life.die(this.#rng.chance(0.5) ? "kill" : "power");
    this.#main = undefined;
    this.#main = await this.#live(machine);
  }

  /** Its disk is gone, and it with it, or it only seems so. */
  async #loseDisk(partitions: number): Promise<void> {
    const life = this.#life;
    this.#main = undefined;
    if (this.#rng.chance(0.4)) {
      life.options.time.freeze();
      this.#zombies.push(life);
    } else life.die("power");
    if (this.#rng.chance(0.3)) {
      // By hand, and then it is started.
      this.#main = await this.#live((await this.#restored(partitions, false)).machine);
    } else {
      const { machine, process, owner } = await this.#restored(partitions, true);
      assert(owner !== undefined);
      this.paths.hit("tookOverEmpty");
      const next = await this.#opened(machine, process);
      next.own(owner);
      await next.start();
      this.#main = next;
    }
    this.paths.hit("restored");
    this.#thawLater(life);
  }

  #thawLater(life: Life): void {
    const { time } = life.options;
    this.schedule.after(this.#rng.random() * 2_000, () => time.thaw());
  }

  /** A new machine, with what the latest snapshot holds, or by hand with what one before does. */
  async #restored(partitions: number, takesOver: boolean): Promise<RestoredMachine> {
    for (let attempt = 0; ; attempt++) {
      const rng = this.#rng.fork();
      const isCalm = attempt > 3;
      const faults = isCalm ? NO_FAULTS : { ...drawFaults(rng), damaged: rng.pick([0, 0.05]) };
      const process = this.#process(rng, faults);
      const { store } = process;
      const dies = !isCalm && rng.chance(0.2) ? rng.int(12) : Number.POSITIVE_INFINITY;
      const { onCall } = store;
      store.onCall = (...call) => {
        if (store.calls > dies) throw new Crashed();
        return onCall(...call);
      };
      const machine = this.#machine(partitions);
      try {
        const owner = takesOver
          ? await this.#takenOver(machine, process)
          : await this.#restoredByHand(machine, process, rng);
        store.faults = { ...store.faults, damaged: 0 };
        store.onCall = onCall;
        return { machine, process, owner };
      } catch (error) {
        process.time.die();
        if (isCalm) throw error;
        this.#failedToRestore(error);
      }
    }
  }

  /** As a node on an empty directory does: the prefix is its own first. */
  async #takenOver(machine: Machine, { blob, time }: Process): Promise<Ownership> {
    const before = this.#watch.head?.owner.data ?? "";
    const owner = await this.#during(claim({ ...claimOf(blob, time, machine), isEmpty: true }));
    owner.beat({ onMissed: () => {}, onFenced: () => {} });
    try {
      await this.#restore(machine, blob, owner.head.snapshots.at(-1) ?? "", async (least) => {
        const next = (head: Head): number => Math.max(head.incarnation, least) + 1;
        await owner.update((head) => withHeir(head, machine.data, next(head)));
        return owner.head.incarnation;
      });
      return owner;
    } catch (error) {
      if (!(error instanceof Crashed)) {
        await this.#during(owner.handBack(before));
        this.paths.hit("handedBack");
      }
      throw error;
    }
  }

  /** The prefix stays whose it is. */
  async #restoredByHand(machine: Machine, { blob, time }: Process, rng: Rng): Promise<undefined> {
    const { snapshots = [] } = this.#watch.head ?? {};
    const name = rng.chance(0.3) ? rng.pick(snapshots) : (snapshots.at(-1) ?? "");
    await this.#restore(machine, blob, name, (least) => {
      return enrol(blob, APPLICATION, machine.data, least);
    });
    time.die();
  }

  async #restore(
    machine: Machine,
    blob: BlobStore,
    name: string,
    incarnation: (least: number) => Promise<number>,
  ): Promise<void> {
    const tokens = this.#tokens;
    await this.#during(restoreOn({ blob, name, machine, tokens, incarnation }));
  }

  /** Whoever starts it starts it again, on a new directory. */
  #failedToRestore(error: unknown): void {
    const code = codeOf(error) ?? "";
    const isPassing = ["SNAPSHOT_CORRUPT", "BLOB_UNAVAILABLE", "BLOB_CORRUPT"].includes(code);
    if (!isPassing && !(error instanceof Crashed)) throw error;
    if (code === "SNAPSHOT_CORRUPT") this.paths.hit("damaged");
    else if (code === "") this.paths.hit("restoreCrash");
  }

  /** Another machine is restored while this one is at work, and wants to follow it. */
  async #rival(): Promise<void> {
    if ((this.#watch.head?.snapshots.length ?? 0) === 0) return;
    const life = this.#life;
    const isFrozen = this.#rng.chance(0.3);
    const { machine } = await this.#restored(this.#rng.pick(COUNTS), false);
    const rival = await this.#opened(machine);
    if (isFrozen) life.options.time.freeze();
    try {
      await this.#during(rival.claim());
      this.paths.hit("takenOver");
      this.#zombies.push(life);
      this.#main = rival;
      await rival.start();
    } catch (error) {
      const code = codeOf(error);
      assert(code === "SNAPSHOT_OWNED" || code === "BLOB_UNAVAILABLE", `${code}: ${error}`);
      this.paths.hitIf(code === "SNAPSHOT_OWNED", "owned");
      rival.die("kill");
    }
    if (isFrozen) this.#thawLater(life);
  }

  /** A directory that has nothing to do with what is there. */
  async #stranger(): Promise<void> {
    if ((this.#watch.head?.snapshots.length ?? 0) === 0) return;
    const { blob, time } = this.#process(this.#rng.fork(), NO_FAULTS);
    const stranger = new Machine("stranger", 1, this.#rng);
    const claiming = this.#during(claim(claimOf(blob, time, stranger)));
    await assert.rejects(claiming, { code: "SNAPSHOT_FOREIGN" });
    this.paths.hit("foreign");
  }

  #shutOut(life: Life): void {
    assert(life !== this.#main, `the owner is fenced: ${life.fenced?.message}`);
    this.paths.hit("fenced");
    life.die("kill");
  }

  /** Nothing fails any more: a snapshot comes to be complete, whatever was before, and what is left is removed. */
  async #end(): Promise<void> {
    this.#isCured = true;
    const { machine, time } = this.#life.options;
    assert(!time.isDead);
    this.#life.die("kill");
    this.#main = await this.#live(machine);
    this.#life.isCured = true;
    await this.#during(this.#life.take());
    assert.equal(this.#life.abandoned, 0, "without faults none is given up");
    const overMs = this.schedule.nowMs + Math.max(GRACE_MS, LEASE_MS) + 1_000;
    while (this.schedule.nowMs < overMs) await this.#tick();
    for (const zombie of this.#zombies) {
      assert(zombie.fenced !== undefined || zombie.options.time.isDead, "a predecessor goes on");
    }
    await this.#during(this.#life.take());
    for (let ticks = 500; ticks > 0 && this.#watch.left.length > 0; ticks--) await this.#tick();
    assert.deepEqual(this.#watch.left, [], "nobody needs these");
    this.#life.die("kill");
    await setImmediate();
  }

  /** Time passes, and everything else goes on, until this has come to its end. */
  async #during<T>(work: Promise<T>): Promise<T> {
    let isOver = false;
    const end = (): void => {
      isOver = true;
    };
    work.then(end, end);
    await this.#settle();
    for (let ticks = 0; !isOver; ticks++) {
      assert(ticks < PATIENCE_TICKS, "I10: it never comes to an end");
      await this.#tick();
    }
    return await work;
  }
}

/** A process, as far as the bucket is concerned. */
interface Process {
  readonly time: ProcessTime;
  readonly blob: BlobStore;
  readonly store: FakeBlobStore;
}

interface RestoredMachine {
  readonly machine: Machine;
  readonly process: Process;
  /** Of the prefix; undefined: it stayed whose it was. */
  readonly owner: Ownership | undefined;
}

class Crashed extends Error {}

function codeOf(error: unknown): string | undefined {
  return error instanceof StatefoldError ? error.code : undefined;
}
