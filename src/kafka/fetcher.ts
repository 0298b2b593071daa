/**
 * Fetches for many partitions at once: one request at a time to each broker, for all its partitions that
 * have room, and not for each record that comes. A partition whose records nobody takes is left out, so it stops no other, and holds at most
 * two runs of records; once all of them hold `maxHeldBytes`, one (I9).
 *
 * A broker fills its answer in the order it was asked, so who got something is asked for last the next time.
 *
 * Owns what was fetched and not taken, and who leads what. Does not own positions: whoever takes says from
 * where.
 */
import { type Deferred, deferred } from "../base/deferred.ts";
import { unlessAborted } from "../base/unless-aborted.ts";
import type {
  BatchDamage,
  FetchedPartition,
  KafkaCluster,
  KafkaRecord,
  TopicPartition,
} from "./contract.ts";
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
  /** Unpacked, of all partitions together: from there on none is fetched ahead that holds something. */
  readonly maxHeldBytes: number;
  /**
   * Begun with each fetch. A broker that had little is asked again once it has resolved: records that come one by one
   * are taken together. Never rejects. Default: at once.
   */
  readonly gather?: () => Promise<void>;
  /** Told of each fetch that brought something. */
  readonly onFetched?: (elapsedMs: number) => void;
}

/** Committed records of one partition, as one answer brought them. */
export interface FetchedRun {
  readonly first: number;
  readonly next: number;
  readonly records: readonly KafkaRecord[];
  /** Unpacked, about. */
  readonly bytes: number;
  /** There are no records: what stands there cannot be read. */
  readonly damage: BatchDamage | undefined;
}

/** Runs held per partition: one that is being taken, and the next. */
const RUNS_AHEAD = 2;
/** A partition that was left out must not wait for one that has nothing. */
const IMPATIENT_WAIT_MS = 50;
/** An answer with less, unpacked, brought all there was, as a rule. */
const LITTLE_BYTES = 65_536;

export class Fetcher {
  readonly #options: FetcherOptions;
  readonly #taps = new Set<Tap>();
  readonly #busy = new Set<number>();
  /** Who leads which topic, while it is being asked. */
  readonly #asking = new Map<string, Promise<readonly number[] | undefined>>();
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
    this.#leaders(topic).then(
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

  /** All partitions of a topic ask at once when their broker is gone. */
  #leaders(topic: string): Promise<readonly number[] | undefined> {
    const known = this.#asking.get(topic);
    if (known !== undefined) return known;
    const asking = this.#options.cluster.leaders(topic).finally(() => this.#asking.delete(topic));
    this.#asking.set(topic, asking);
    return asking;
  }

  /** What all partitions hold, unpacked. */
  get heldBytes(): number {
    let bytes = 0;
    for (const tap of this.#taps) bytes += tap.heldBytes;
    return bytes;
  }

  #pump(node: number): void {
    if (this.#stopped || this.#busy.has(node)) return;
    const isFull = this.heldBytes >= this.#options.maxHeldBytes;
    const ofNode = [...this.#taps].filter((tap) => tap.node === node);
    const wanting = ofNode.filter((tap) => tap.wants && !(isFull && tap.heldBytes > 0));
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
    const { cluster, maxWaitMs, minBytes, maxBytes, maxPartitionBytes, gather, onFetched } =
      this.#options;
    const asked = new Map(taps.map((tap) => [keyOf(tap.at), { tap, offset: tap.position }]));
    const partitions = taps.map(({ at: { topic, partition }, position: offset }) => {
      return { topic, partition, offset, maxBytes: maxPartitionBytes };
    });
    const begunMs = performance.now();
    const gathered = gather?.();
    const fetched = await cluster.fetch(node, {
      ...{ partitions, minBytes, maxBytes },
      maxWaitMs: isWhole ? maxWaitMs : Math.min(maxWaitMs, IMPATIENT_WAIT_MS),
    });
    let bytes = 0;
    let hasBrought = false;
    for (const one of fetched) {
      const known = asked.get(keyOf(one));
      // It was moved meanwhile, or closed: not what it wants any more.
      if (known === undefined || known.tap.position !== known.offset) continue;
      const run = this.#taps.has(known.tap) ? known.tap.take(one) : undefined;
      if (run === undefined) continue;
      hasBrought = true;
      bytes += run.bytes;
      this.#taps.delete(known.tap);
      this.#taps.add(known.tap);
    }
    if (hasBrought) onFetched?.(performance.now() - begunMs);
    if (bytes < LITTLE_BYTES) await gathered;
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
  /** Behind the last record that can be read, as last told; undefined: nobody said. */
  end: number | undefined;
  /** Told of each answer of the broker that is none of an error. */
  onAnswer: () => void = () => {};
  /** Of a run that was taken and is not used up: they count as held. */
  keptBytes = 0;
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

  /** Unpacked. */
  get heldBytes(): number {
    return this.#runs.reduce((sum, { bytes }) => sum + bytes, this.keptBytes);
  }

  /** Somebody waits for records that are not here yet. */
  get isWaiting(): boolean {
    return this.#waiting !== undefined;
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

  /**
   * What the fetcher brought. A run that only moves on (markers, what was aborted) counts as one.
   *
   * @returns the run; undefined: it was nothing
   */
  take(fetched: FetchedPartition): FetchedRun | undefined {
    const { error, lastStableOffset } = fetched;
    if (error !== undefined) {
      if (MOVED.has(error)) this.node = undefined;
      this.fail(new KafkaError(error, `reading ${keyOf(this.at)}`));
      return undefined;
    }
    this.end = lastStableOffset;
    this.onAnswer();
    const first = this.position;
    const { records, next, damage } = readCommitted(fetched, first);
    if (next === first) return undefined;
    this.position = next;
    const bytes = records.reduce((sum, record) => sum + bytesOf(record), 0);
    const unread = damage?.bytes.byteLength ?? 0;
    const run: FetchedRun = { first, next, records, damage, bytes: bytes + unread };
    this.#runs.push(run);
    this.#waiting?.resolve();
    return run;
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
        // Whoever waited before may end later.
        if (this.#waiting === waiting) this.#waiting = undefined;
      }
    }
  }
}

/** What a record takes in memory, about. */
export function bytesOf({ key, value, headers }: KafkaRecord): number {
  let bytes = 100 + (key?.byteLength ?? 0) + (value?.byteLength ?? 0);
  for (const header of headers) bytes += 100 + header.key.length + header.value.byteLength;
  return bytes;
}
