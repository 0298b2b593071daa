/**
 * Runs a partition in real time: executes what its turns return and offers the results.
 *
 * Owns when a turn runs: as soon as the event loop has handed over what is there (so that inputs gather
 * by themselves under load), and when the partition says it must wake. Owns no state of the partition.
 *
 * A commit or a read that fails ends the partition's memory (I3): the driver stops, says so once, and
 * nothing more is released. Whoever owns it opens the partition anew.
 */
import { setMaxListeners } from "node:events";
import { assert } from "../base/assert.ts";
import type { Clock } from "../base/clock.ts";
import type { Invocation, Outcome } from "../model/invocation.ts";
import type { Store, StoreSnapshot } from "../store/contract.ts";
import type { Partition } from "./partition.ts";
import type { Commit, Cut, Input, ReadRequest, Release, StartedInvocation } from "./ports.ts";

/** A turn comes at least so often, since timers do not follow a clock that jumps. */
const MAX_SLEEP_MS = 1_000;

export interface DriverOptions {
  readonly partition: Partition;
  readonly store: Store;
  readonly clock: Clock;
  /** Tells `end` how it ended, once; maybe at once. As `release`. */
  readonly invoke: (
    invocation: Invocation,
    signal: AbortSignal,
    end: (outcome: Outcome) => void,
  ) => void;
  /** Called within a turn: must not call back into this driver but by {@link Driver.offer}. */
  readonly release: (release: Release) => void;
  /** Called once, when the store failed or the partition found a mistake of ours. */
  readonly onFailure: (error: unknown) => void;
  /** Called at the end of each turn: what the partition takes may have changed. As `release`. */
  readonly onTurn: () => void;
  /**
   * The partition's part of a snapshot: what is durable at this moment, whatever is committed afterwards.
   * Whoever gets it closes it. As `release`. Default: no snapshots are taken.
   */
  readonly onCut?: ((cut: Cut, snapshot: StoreSnapshot) => void) | undefined;
  /** How long each commit took, for metrics. */
  readonly onCommit: (elapsedMs: number, writes: number) => void;
}

type Life =
  | { readonly kind: "running" }
  | { readonly kind: "failed"; readonly error: unknown }
  | { readonly kind: "stopped" };

export class Driver {
  readonly #options: DriverOptions;
  readonly #abort = new AbortController();
  #life: Life = { kind: "running" };
  #turnIsDue = false;
  #sleep: { readonly untilMs: number; readonly timer: NodeJS.Timeout } | undefined;
  /** The commit that is running. */
  #committing: Promise<void> | undefined;

  constructor(options: DriverOptions) {
    this.#options = options;
    setMaxListeners(0, this.#abort.signal); // one for each endpoint
    this.#turnSoon();
  }

  get isRunning(): boolean {
    return this.#life.kind === "running";
  }

  /** Queues an input; one for a driver that has ended is dropped, as it would be by a crash. */
  offer(input: Input): void {
    if (this.#life.kind !== "running") return;
    this.#options.partition.offer(input);
    this.#turnSoon();
  }

  /** Ends now: invocations are aborted, a running commit is waited for. Idempotent. */
  async stop(): Promise<void> {
    if (this.#life.kind === "running") this.#end({ kind: "stopped" });
    await this.#committing;
  }

  #turnSoon(): void {
    if (this.#turnIsDue) return;
    this.#turnIsDue = true;
    setImmediate(() => {
      this.#turnIsDue = false;
      if (this.#life.kind !== "running") return;
      try {
        this.#turn();
      } catch (error) {
        this.#fail(error);
      }
    });
  }

  #turn(): void {
    const { partition, clock, release } = this.#options;
    const nowMs = clock.now();
    const turn = partition.turn(nowMs);
    // I7: before the next commit starts, and before anybody hears of it.
    if (turn.cut !== undefined) this.#cut(turn.cut);
    // What others work on meanwhile comes first: answering callers takes this thread's time.
    if (turn.read !== undefined) this.#read(turn.read);
    if (turn.commit !== undefined) this.#commit(turn.commit);
    for (const started of turn.invocations) this.#invoke(started);
    for (const each of turn.releases) release(each);
    if (turn.wakeAtMs !== undefined) this.#wakeAt(turn.wakeAtMs, nowMs);
    this.#options.onTurn();
  }

  #cut(cut: Cut): void {
    const { store, onCut } = this.#options;
    onCut?.(cut, store.snapshot());
  }

  #read(request: ReadRequest): void {
    const { store } = this.#options;
    const scans = Promise.all(request.ranges.map((range) => store.scan(range)));
    const values = request.keys.length === 0 ? [] : store.getMany(request.keys);
    Promise.all([values, scans]).then(
      ([found, lists]) => this.offer({ kind: "read", values: found, scans: lists }),
      (error: unknown) => this.#fail(error),
    );
  }

  #commit({ epoch, writes }: Commit): void {
    assert(this.#committing === undefined, "two commits at once");
    const startedAtMs = performance.now();
    this.#committing = this.#options.store.commit(writes, epoch).then(
      () => {
        this.#committing = undefined;
        this.#options.onCommit(performance.now() - startedAtMs, writes.length);
        this.offer({ kind: "committed", epoch });
      },
      (error: unknown) => {
        this.#committing = undefined;
        this.#fail(error);
      },
    );
  }

  #invoke({ ticket, invocation }: StartedInvocation): void {
    this.#options.invoke(invocation, this.#abort.signal, (outcome) => {
      this.offer({ kind: "outcome", ticket, outcome });
    });
  }

  #wakeAt(atMs: number, nowMs: number): void {
    const untilMs = Math.min(atMs, nowMs + MAX_SLEEP_MS);
    if (this.#sleep !== undefined) {
      // One that ends earlier looks again; one in the past is about to end.
      if (this.#sleep.untilMs <= untilMs && this.#sleep.untilMs >= nowMs) return;
      clearTimeout(this.#sleep.timer);
    }
    const timer = setTimeout(
      () => {
        this.#sleep = undefined;
        this.#turnSoon();
      },
      Math.max(0, untilMs - nowMs),
    );
    this.#sleep = { untilMs, timer };
  }

  #fail(error: unknown): void {
    if (this.#life.kind !== "running") return;
    this.#end({ kind: "failed", error });
    this.#options.onFailure(error);
  }

  #end(life: Life): void {
    this.#life = life;
    this.#abort.abort();
    clearTimeout(this.#sleep?.timer);
    this.#sleep = undefined;
  }
}
