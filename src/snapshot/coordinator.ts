/**
 * Takes snapshots of the whole application: one at a time, by an interval and on demand.
 *
 * Owns which barrier comes next, the cuts of the snapshot that is being taken, and what becomes of it. Does
 * not own what a cut is (partition/barrier.ts), nor how it is written (attempt.ts). Nothing here is waited for
 * by a partition: cuts are handed over, everything else happens behind their backs.
 *
 *   idle      → gathering   announced: partitions hand over their cuts
 *   gathering → writing     all of them are there
 *             → idle        one is missing for too long: abandoned
 *   writing   → idle        complete, or abandoned: the store failed, a partition went down
 *
 * What is asked for while one is being taken is the next one, since it must hold what is there now. An
 * abandoned snapshot leaves nothing behind that anybody sees, and the next one is complete again: partitions
 * know what has changed since the last complete one, not since the last cut.
 */
import { assert } from "../base/assert.ts";
import { type Deferred, deferred } from "../base/deferred.ts";
import { describeError, StatefoldError } from "../base/errors.ts";
import type { BlobStore } from "../blob/contract.ts";
import type { LogCut } from "../log/cut.ts";
import { type WrittenSnapshot, writeSnapshot } from "./attempt.ts";
import type { SnapshotClock } from "./clock.ts";
import type { PartitionCut, SnapshotLog, SnapshotPartitions } from "./cut.ts";
import type { Ownership } from "./ownership.ts";
import { type Packing, threadedPacking } from "./packing.ts";
import { Retention } from "./retention.ts";

/** For all partitions to hand over their cuts. */
const CUT_TIMEOUT_MS = 30_000;
/** A partition that was down hears of it when it is up again. */
const ANNOUNCED_EVERY_MS = 1_000;
/** Snapshots that are kept. */
const KEPT = 3;

export interface CoordinatorOptions {
  readonly partitions: SnapshotPartitions;
  /** Undefined: there is none, or it is not part of the snapshots. */
  readonly log?: SnapshotLog | undefined;
  /** Asked again by itself while what fails may pass: openBlobStore. */
  readonly blob: BlobStore;
  readonly owner: Ownership;
  /** As in Manifest. */
  readonly numbers: string;
  readonly clock: SnapshotClock;
  readonly listener: SnapshotListener;
  /** Between the beginnings of two; undefined: only on demand. */
  readonly everyMs: number | undefined;
  /** At least 1. Default KEPT. */
  readonly keep?: number | undefined;
  readonly cutTimeoutMs?: number | undefined;
  readonly graceMs?: number | undefined;
  readonly listEveryMs?: number | undefined;
  readonly segmentBytes?: number | undefined;
  readonly packing?: Packing;
}

/** A snapshot that is complete. */
export interface TakenSnapshot extends WrittenSnapshot {
  /** From the announcement on. */
  readonly elapsedMs: number;
  /** Until the last cut was there. */
  readonly cutMs: number;
}

/** Told of what happens, in order; must not throw. */
export interface SnapshotListener {
  onComplete(snapshot: TakenSnapshot): void;
  onAbandoned(barrier: number, reason: StatefoldError): void;
  /** Nothing more is taken: another runtime of the application has taken over. Told once. */
  onFenced(error: StatefoldError): void;
  /** Something is left to be removed later, or a beat was missed. */
  onTrouble(what: string, error: unknown): void;
}

type Phase =
  | { readonly kind: "idle" }
  | Gathering
  | { readonly kind: "writing"; readonly barrier: number }
  | { readonly kind: "stopped" };

interface Gathering {
  readonly kind: "gathering";
  readonly barrier: number;
  readonly cuts: Map<number, PartitionCut>;
  /** Of the topic log. */
  topics: LogCut | undefined;
  readonly all: Deferred<Gathered>;
}

interface Gathered {
  readonly cuts: readonly PartitionCut[];
  readonly topics: LogCut | undefined;
}

export class Coordinator {
  readonly #options: CoordinatorOptions;
  readonly #retention: Retention;
  readonly #stopping = new AbortController();
  #phase: Phase = { kind: "idle" };
  /** The last number that was announced. */
  #barrier = 0;
  /** Who waits for the next one. */
  #waiting: Deferred<TakenSnapshot>[] = [];
  #isDue = false;
  #isRunning = false;
  #running: Promise<void> | undefined;
  #cancelInterval: () => void = () => {};

  constructor(options: CoordinatorOptions) {
    this.#options = options;
    const { blob, owner, clock, graceMs, listEveryMs, keep = KEPT } = options;
    assert(keep >= 1, `${keep} snapshots are kept`);
    this.#retention = new Retention({ blob, owner, clock, graceMs, listEveryMs });
  }

  /** The first one comes after an interval. */
  start(): void {
    const { owner, listener, clock } = this.#options;
    owner.beat({
      onMissed: (error) => listener.onTrouble("a beat was missed", error),
      onFenced: (error) => this.#fenced(error),
    });
    this.#schedule(clock.now());
  }

  /** What is being done. */
  get phase(): Phase["kind"] {
    return this.#phase.kind;
  }

  /**
   * A snapshot of what is there now.
   *
   * @throws StatefoldError SNAPSHOT_ABANDONED, SNAPSHOT_FENCED; UNAVAILABLE when it is stopped
   */
  take(): Promise<TakenSnapshot> {
    const waiting = deferred<TakenSnapshot>();
    if (this.#phase.kind === "stopped") waiting.reject(this.#stopping.signal.reason);
    else {
      this.#waiting.push(waiting);
      this.#begin();
    }
    return waiting.promise;
  }

  /** From a partition, for whatever barrier: it is closed here, now or later. */
  cut(cut: PartitionCut): void {
    const phase = this.#phase;
    const isWanted = phase.kind === "gathering" && phase.barrier === cut.barrier;
    if (!isWanted || phase.cuts.has(cut.partition)) return this.#close([cut]);
    phase.cuts.set(cut.partition, cut);
    this.#gathered(phase);
  }

  /** From the topic log, in the same way. */
  logCut(cut: LogCut): void {
    const phase = this.#phase;
    const isWanted = phase.kind === "gathering" && phase.barrier === cut.barrier;
    if (!isWanted || phase.topics !== undefined) return cut.close();
    phase.topics = cut;
    this.#gathered(phase);
  }

  #gathered({ cuts, topics, all }: Gathering): void {
    const { partitions, log } = this.#options;
    if (cuts.size < partitions.count || (log !== undefined && topics === undefined)) return;
    const sorted = [...cuts.values()].sort((a, b) => a.partition - b.partition);
    all.resolve({ cuts: sorted, topics });
  }

  /** Ends now: what is being taken is abandoned, and the prefix is let go. Idempotent. */
  async stop(): Promise<void> {
    this.#end(new StatefoldError("UNAVAILABLE", "no snapshots are taken any more"));
    await this.#running;
    const { owner, listener } = this.#options;
    if (owner.fence === undefined) {
      await owner.release((why) => listener.onTrouble("the snapshots were not let go", why));
    }
  }

  #end(reason: StatefoldError): void {
    if (this.#phase.kind === "stopped") return;
    this.#cancelInterval();
    this.#stopping.abort(reason);
    for (const each of this.#waiting.splice(0)) each.reject(reason);
    if (this.#phase.kind === "gathering") this.#phase.all.reject(reason);
    this.#phase = { kind: "stopped" };
  }

  #fenced(error: StatefoldError): void {
    if (this.#phase.kind === "stopped") return;
    this.#end(error);
    this.#options.listener.onFenced(error);
  }

  #schedule(lastMs: number): void {
    const { everyMs, clock } = this.#options;
    if (everyMs === undefined || this.#phase.kind === "stopped") return;
    this.#cancelInterval = clock.after(Math.max(0, lastMs + everyMs - clock.now()), () => {
      this.#isDue = true;
      this.#begin();
    });
  }

  #begin(): void {
    if (this.#isRunning) return;
    this.#isRunning = true;
    this.#running = this.#run();
  }

  /** Until nobody waits. */
  async #run(): Promise<void> {
    while (this.#phase.kind !== "stopped" && (this.#isDue || this.#waiting.length > 0)) {
      this.#isDue = false;
      this.#cancelInterval();
      const beganMs = this.#options.clock.now();
      const waiting = this.#waiting;
      this.#waiting = [];
      try {
        const taken = await this.#take();
        for (const each of waiting) each.resolve(taken);
      } catch (error) {
        for (const each of waiting) each.reject(error);
      }
      await this.#collect();
      this.#schedule(beganMs);
    }
    this.#isRunning = false;
  }

  async #take(): Promise<TakenSnapshot> {
    const { partitions, log, owner, clock, listener } = this.#options;
    const seen = Math.max(this.#barrier, partitions.barrier, log?.barrier ?? 0);
    const barrier = 1 + Math.max(seen, owner.head.nextBarrier - 1);
    this.#barrier = barrier;
    const beganMs = clock.now();
    const takenAtMs = clock.timeOfDay();
    try {
      const gathered = await this.#gather(barrier);
      const cutMs = clock.now() - beganMs;
      const written = await this.#write(barrier, gathered, takenAtMs);
      this.#retention.remember(written.name, written.manifest);
      partitions.completed(barrier);
      const taken = { ...written, cutMs, elapsedMs: clock.now() - beganMs };
      listener.onComplete(taken);
      return taken;
    } catch (error) {
      this.#retention.attemptFailed();
      throw this.#abandoned(barrier, error);
    } finally {
      this.#rest();
    }
  }

  #rest(): void {
    if (this.#phase.kind !== "stopped") this.#phase = { kind: "idle" };
  }

  #abandoned(barrier: number, error: unknown): StatefoldError {
    const { owner, listener } = this.#options;
    if (owner.fence !== undefined) {
      this.#fenced(owner.fence);
      return owner.fence;
    }
    const text = `snapshot ${barrier} was given up: ${describeError(error)}`;
    const reason = new StatefoldError("SNAPSHOT_ABANDONED", text, { cause: error });
    listener.onAbandoned(barrier, reason);
    return reason;
  }

  /** Rejects when one of the cuts does not come. Those that came are closed then. */
  async #gather(barrier: number): Promise<Gathered> {
    const { partitions, log, clock, cutTimeoutMs = CUT_TIMEOUT_MS } = this.#options;
    const all = deferred<Gathered>();
    const cuts = new Map<number, PartitionCut>();
    const gathering: Gathering = { kind: "gathering", barrier, cuts, topics: undefined, all };
    this.#phase = gathering;
    let cancelAnnouncing = (): void => {};
    const announce = (): void => {
      cancelAnnouncing = clock.after(ANNOUNCED_EVERY_MS, announce);
      partitions.announce(barrier);
      log?.cutFor(barrier);
    };
    const cancelTimeout = clock.after(cutTimeoutMs, () => {
      const missing = Array.from({ length: partitions.count }, (_, i) => i).filter((i) => {
        return !gathering.cuts.has(i);
      });
      const text = `of partition ${missing.join(", ")} there was no cut within ${cutTimeoutMs / 1_000} s`;
      all.reject(new StatefoldError("SNAPSHOT_ABANDONED", text));
    });
    try {
      announce();
      return await all.promise;
    } catch (error) {
      this.#close([...gathering.cuts.values()]);
      gathering.topics?.close();
      throw error;
    } finally {
      cancelAnnouncing();
      cancelTimeout();
    }
  }

  async #write(
    barrier: number,
    { cuts, topics }: Gathered,
    takenAtMs: number,
  ): Promise<WrittenSnapshot> {
    const {
      blob,
      owner,
      numbers,
      segmentBytes,
      keep = KEPT,
      packing = threadedPacking,
    } = this.#options;
    const { signal } = this.#stopping;
    try {
      signal.throwIfAborted();
      this.#phase = { kind: "writing", barrier };
      const latest = topics === undefined ? undefined : owner.head.snapshots.at(-1);
      return await writeSnapshot({
        ...{ blob, packing, owner, numbers, barrier, cuts, topics, takenAtMs, keep, signal },
        segmentBytes,
        bases: this.#retention.kept,
        latest: latest === undefined ? undefined : await this.#retention.manifestOf(latest, signal),
      });
    } finally {
      topics?.close();
      this.#close(cuts);
    }
  }

  async #collect(): Promise<void> {
    if (this.#phase.kind === "stopped") return;
    try {
      await this.#retention.collect(this.#stopping.signal);
    } catch (error) {
      const { owner, listener } = this.#options;
      if (owner.fence !== undefined) this.#fenced(owner.fence);
      else if (!this.#stopping.signal.aborted) {
        listener.onTrouble("what no snapshot needs was not removed", error);
      }
    }
  }

  #close(cuts: readonly PartitionCut[]): void {
    for (const { snapshot } of cuts) {
      snapshot.close().catch((error: unknown) => {
        this.#options.listener.onTrouble("a cut was not closed", error);
      });
    }
  }
}
