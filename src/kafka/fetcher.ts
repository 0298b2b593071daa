/**
 * Fetches for many partitions at once: one request at a time to each broker, for all its partitions that
 * have room. A partition whose records nobody takes is left out, so it stops no other, and holds at most
 * two runs of records (I9).
 *
 * Owns what was fetched and not taken, and who leads what. Does not own positions: whoever takes says from
 * where.
 */
import { type Deferred, deferred } from "../base/deferred.ts";
import { unlessAborted } from "../base/unless-aborted.ts";
import type { FetchedPartition, KafkaCluster, KafkaRecord, TopicPartition } from "./contract.ts";
import { KafkaError } from "./error.ts";
import { readCommitted } from "./read-committed.ts";

export interface FetcherOptions {
  readonly cluster: KafkaCluster;
  /** A broker waits so long for records when it has none. */
  readonly maxWaitMs: number;
  readonly minBytes: number;
  /** Of one answer. */
  readonly maxBytes: number;
  /** Of one partition in it. */
  readonly maxPartitionBytes: number;
}

/** Committed records of one partition, as one answer brought them. */
export interface FetchedRun {
  readonly first: number;
  readonly next: number;
  readonly records: readonly KafkaRecord[];
  /** Behind the last record that can be read. */
  readonly end: number;
}

/** Runs held per partition: one that is being taken, and the next. */
const RUNS_AHEAD = 2;
/** A partition that was left out must not wait for one that has nothing. */
const IMPATIENT_WAIT_MS = 50;

export class Fetcher {
  readonly #options: FetcherOptions;
  readonly #taps = new Set<Tap>();
  readonly #busy = new Set<number>();
  #stopped = false;

  constructor(options: FetcherOptions) {
    this.#options = options;
  }

  /** To be closed. */
  open(at: TopicPartition): Tap {
    const tap = new Tap(at, (reason) => this.#wake(tap, reason));
    this.#taps.add(tap);
    return tap;
  }

  /** Those who wait get an error. Requests in flight end with the cluster. */
  stop(): void {
    this.#stopped = true;
    for (const tap of this.#taps) tap.fail(new Error("stopped"));
    this.#taps.clear();
  }

  #wake(tap: Tap, reason: "wants" | "closed"): void {
    if (reason === "closed") this.#taps.delete(tap);
    else if (tap.node !== undefined) this.#pump(tap.node);
    else this.#locate(tap);
  }

  /** Finds out who leads a partition, then fetches. */
  #locate(tap: Tap): void {
    if (tap.isLocating) return;
    tap.isLocating = true;
    const { topic, partition } = tap.at;
    this.#options.cluster.leaders(topic).then(
      (leaders) => {
        tap.isLocating = false;
        const leader = leaders?.[partition];
        if (leader === undefined) {
          return tap.fail(new KafkaError("UNKNOWN_TOPIC_OR_PARTITION", `${topic}/${partition}`));
        }
        if (leader < 0) {
          return tap.fail(new KafkaError("LEADER_NOT_AVAILABLE", `${topic}/${partition}`));
        }
        tap.node = leader;
        this.#pump(leader);
      },
      (error: unknown) => {
        tap.isLocating = false;
        tap.fail(error);
      },
    );
  }

  #pump(node: number): void {
    if (this.#stopped || this.#busy.has(node)) return;
    const ofNode = [...this.#taps].filter((tap) => tap.node === node);
    const wanting = ofNode.filter((tap) => tap.wants);
    if (wanting.length === 0) return;
    this.#busy.add(node);
    const isWhole = wanting.length === ofNode.length;
    this.#fetch(node, wanting, isWhole).then(
      () => {
        this.#busy.delete(node);
        this.#pump(node);
      },
      (error: unknown) => {
        this.#busy.delete(node);
        // Somebody else may lead by now; who waits says when it wants to try again.
        for (const tap of this.#taps) if (tap.node === node) tap.fail(error);
      },
    );
  }

  async #fetch(node: number, taps: readonly Tap[], isWhole: boolean): Promise<void> {
    const { cluster, maxWaitMs, minBytes, maxBytes, maxPartitionBytes } = this.#options;
    const asked = new Map(taps.map((tap) => [keyOf(tap.at), { tap, offset: tap.position }]));
    const partitions = taps.map((tap) => ({
      ...{ ...tap.at, offset: tap.position, maxBytes: maxPartitionBytes },
    }));
    const fetched = await cluster.fetch(node, {
      ...{ partitions, minBytes, maxBytes },
      maxWaitMs: isWhole ? maxWaitMs : Math.min(maxWaitMs, IMPATIENT_WAIT_MS),
    });
    for (const one of fetched) {
      const known = asked.get(keyOf(one));
      // It was moved meanwhile, or closed: not what it wants any more.
      if (known !== undefined && known.tap.position === known.offset) known.tap.take(one);
    }
  }
}

const keyOf = ({ topic, partition }: TopicPartition): string => `${topic}/${partition}`;

const MOVED: ReadonlySet<string> = new Set([
  ...["NOT_LEADER_OR_FOLLOWER", "FENCED_LEADER_EPOCH", "REPLICA_NOT_AVAILABLE"],
  ...["UNKNOWN_LEADER_EPOCH", "LEADER_NOT_AVAILABLE", "OFFSET_NOT_AVAILABLE"],
]);

/** One partition's records, run after run. */
export class Tap {
  readonly at: TopicPartition;
  /** Its leader, while that is known. */
  node: number | undefined;
  isLocating = false;
  /** From where the next fetch is. */
  position = -1;
  #runs: FetchedRun[] = [];
  #waiting: Deferred<void> | undefined;
  /** Nothing is fetched behind an error until somebody asks. */
  #error: unknown;
  #isClosed = false;
  readonly #wake: (reason: "wants" | "closed") => void;

  constructor(at: TopicPartition, wake: (reason: "wants" | "closed") => void) {
    this.at = at;
    this.#wake = wake;
  }

  get wants(): boolean {
    const hasRoom = this.#runs.length < RUNS_AHEAD;
    return !this.#isClosed && this.#error === undefined && this.position >= 0 && hasRoom;
  }

  /**
   * The run at a position, as soon as there is one. One call at a time. What is read on from there is fetched
   * ahead.
   *
   * @throws KafkaError `OFFSET_OUT_OF_RANGE`, among others; the next call tries again
   */
  async next(position: number, signal: AbortSignal): Promise<FetchedRun> {
    signal.throwIfAborted();
    if ((this.#runs[0]?.first ?? this.position) !== position) {
      this.#runs = [];
      this.position = position;
    }
    const run = this.#runs.shift() ?? (await this.#fetched(signal));
    if (this.wants) this.#wake("wants");
    return run;
  }

  /** What the fetcher brought. A run that only moves on (markers, what was aborted) counts as one. */
  take(fetched: FetchedPartition): void {
    const { error, lastStableOffset: end } = fetched;
    if (error !== undefined) {
      if (MOVED.has(error)) this.node = undefined;
      return this.fail(new KafkaError(error, `reading ${keyOf(this.at)}`));
    }
    const first = this.position;
    const { records, next } = readCommitted(fetched, first);
    if (next === first) return;
    this.position = next;
    this.#runs.push({ first, next, records, end });
    this.#waiting?.resolve();
  }

  fail(error: unknown): void {
    this.node = undefined;
    this.#error = error;
    this.#waiting?.resolve();
  }

  close(): void {
    this.#isClosed = true;
    this.#runs = [];
    this.#wake("closed");
  }

  async #fetched(signal: AbortSignal): Promise<FetchedRun> {
    this.#error = undefined;
    this.#wake("wants");
    for (;;) {
      const run = this.#runs.shift();
      if (run !== undefined) return run;
      if (this.#error !== undefined) throw this.#error;
      const waiting = deferred<void>();
      this.#waiting = waiting;
      try {
        await unlessAborted(waiting.promise, signal);
      } finally {
        this.#waiting = undefined;
      }
    }
  }
}
