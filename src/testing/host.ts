/**
 * Drives one partition in virtual time: executes what its turns return, each thing as a step of its own,
 * so that a crash may come between any two. The counterpart of src/partition/driver.ts.
 *
 * Owns the partition's memory and what is durable of it, and the requests that wait for an answer. A
 * request that names an idempotency key is asked again after a crash, as a careful client does; another is
 * answered UNAVAILABLE.
 */
import { assert } from "../base/assert.ts";
import type { Random } from "../base/backoff.ts";
import { type Deferred, deferred } from "../base/deferred.ts";
import { StatefoldError } from "../base/errors.ts";
import type { Invocation, Outcome } from "../model/invocation.ts";
import { DEFAULT_LIMITS, type PartitionLimits } from "../partition/limits.ts";
import type { Partition } from "../partition/partition.ts";
import type {
  CallInput,
  Commit,
  Directory,
  Input,
  OperatorInput,
  ReadRequest,
  Release,
  SendInput,
  StartedInvocation,
} from "../partition/ports.ts";
import { openPartition } from "../partition/recovery.ts";
import { readTimerKey, timerRange } from "../partition/timers.ts";
import { FORMAT_VERSION } from "../store/format.ts";
import { MemoryContents, MemoryStore } from "../store/memory.ts";
import type { Step, Timeline } from "./timeline.ts";

/** Nothing waits for company: what can be made durable now is made durable now. */
const LIMITS: PartitionLimits = { ...DEFAULT_LIMITS, commitLingerMs: 0 };

export type Answer = Extract<Release, { readonly request: number }>;
export type OutwardRelease = Exclude<Release, { readonly request: number }>;
type Ask = SendInput | CallInput | OperatorInput;
type WithoutNumber<T> = T extends unknown ? Omit<T, "request"> : never;

/** A request, until it is answered. */
export interface Question {
  readonly request: number;
  readonly answer: Promise<Answer>;
  isAnswered: boolean;
}

interface Waiting {
  readonly question: Question;
  readonly ask: Ask;
  readonly end: Deferred<Answer>;
}

export interface HostOptions {
  readonly index: number;
  readonly count: number;
  readonly directory: Directory;
  readonly timeline: Timeline;
  readonly random: Random;
  /** Never rejects. */
  readonly call: (invocation: Invocation) => Promise<Outcome>;
  readonly onRelease: (from: Host, release: OutwardRelease) => void;
  /** It has opened, again or for the first time. */
  readonly onOpened: (host: Host) => void;
}

type Life =
  | { readonly kind: "down" }
  | { readonly kind: "up"; readonly partition: Partition; readonly store: MemoryStore };

export class Host {
  readonly index: number;
  /** What is durable. */
  readonly contents = new MemoryContents();
  readonly #options: HostOptions;
  readonly #waiting = new Map<number, Waiting>();
  #life: Life = { kind: "down" };
  /** Counts lives: a step of an earlier one does nothing. */
  #generation = 0;
  #requests = 0;
  #turnIsDue = false;
  /** Its present life has made something durable: it has come up. */
  #isReady = false;

  constructor(options: HostOptions) {
    this.#options = options;
    this.index = options.index;
  }

  get partition(): Partition | undefined {
    return this.#life.kind === "up" ? this.#life.partition : undefined;
  }

  get isReady(): boolean {
    return this.#isReady;
  }

  async open(): Promise<void> {
    assert(this.#life.kind === "down", "a partition is open already");
    const { index, count, directory, random } = this.#options;
    const store = new MemoryStore(this.contents);
    const partition = await openPartition(store, {
      ...{ application: "test", partition: index, partitionCount: count },
      ...{ formatVersion: FORMAT_VERSION, directory, limits: LIMITS, random },
    });
    this.#life = { kind: "up", partition, store };
    this.#turnSoon();
    for (const { ask } of this.#waiting.values()) this.offer(ask);
    this.#options.onOpened(this);
  }

  /** Memory is lost, and whatever was under way. */
  crash(): void {
    this.#drop();
    const text =
      "the node crashed before it answered: done or not, nobody knows. With an idempotency key it is asked again";
    for (const waiting of [...this.#waiting.values()]) {
      if (waiting.ask.kind === "operator" || waiting.ask.idempotencyKey === undefined) {
        this.#refuse(waiting, text);
      }
    }
  }

  /** Ends it. Idempotent. */
  close(): void {
    this.#drop();
    for (const waiting of [...this.#waiting.values()]) {
      this.#refuse(waiting, "the test node was closed before it answered");
    }
  }

  #drop(): void {
    this.#life = { kind: "down" };
    this.#generation++;
    this.#turnIsDue = false;
    this.#isReady = false;
  }

  #refuse({ question, end }: Waiting, text: string): void {
    this.#waiting.delete(question.request);
    question.isAnswered = true;
    end.reject(new StatefoldError("UNAVAILABLE", text));
  }

  offer(input: Input): void {
    if (this.#life.kind === "down") return;
    this.#life.partition.offer(input);
    this.#turnSoon();
  }

  ask(asked: WithoutNumber<Ask>): Question {
    const request = ++this.#requests;
    const ask: Ask = { ...asked, request };
    const end = deferred<Answer>();
    // Whoever asked may look at the answer late.
    end.promise.catch(() => {});
    const question: Question = { request, answer: end.promise, isAnswered: false };
    this.#waiting.set(request, { question, ask, end });
    this.offer(ask);
    return question;
  }

  /** Nobody waits for the answer any more. */
  hangUp({ request }: Question): void {
    if (this.#waiting.delete(request)) this.offer({ kind: "hangUp", request, keep: false });
  }

  /**
   * When it has something to do by itself: a timer, or a message to be tried again. What it merely looks
   * after now and then (timers still far away, expired values) is no reason to stop the clock.
   */
  get dueMs(): number | undefined {
    const { from, until } = timerRange();
    const [first] = this.contents.range(from, until);
    const timerMs = first === undefined ? undefined : readTimerKey(first.key).dueMs;
    const retryMs = this.partition?.delivery.wakeAtMs();
    if (timerMs === undefined || retryMs === undefined) return timerMs ?? retryMs;
    return Math.min(timerMs, retryMs);
  }

  wake(): void {
    this.#turnSoon();
  }

  /** Something for the next steps, unless the partition crashes before. */
  #step(step: Step): void {
    const generation = this.#generation;
    this.#options.timeline.now(() => (generation === this.#generation ? step() : undefined));
  }

  #turnSoon(): void {
    if (this.#turnIsDue) return;
    this.#turnIsDue = true;
    this.#step(() => {
      this.#turnIsDue = false;
      this.#turn();
    });
  }

  #turn(): void {
    if (this.#life.kind === "down") return;
    const { partition, store } = this.#life;
    const { nowMs } = this.#options.timeline;
    const turn = partition.turn(nowMs);
    for (const release of turn.releases) this.#release(release);
    if (turn.read !== undefined) this.#read(store, turn.read);
    if (turn.commit !== undefined) this.#commit(store, turn.commit);
    for (const started of turn.invocations) this.#invoke(started);
    if (turn.wakeAtMs !== undefined && turn.wakeAtMs <= nowMs) this.#turnSoon();
  }

  #read(store: MemoryStore, request: ReadRequest): void {
    this.#step(async () => {
      const values = await store.getMany(request.keys);
      const scans = await Promise.all(request.ranges.map((range) => store.scan(range)));
      this.offer({ kind: "read", values, scans });
    });
  }

  #commit(store: MemoryStore, { writes, epoch }: Commit): void {
    this.#step(async () => {
      await store.commit(writes, epoch);
      this.#step(() => {
        this.#isReady = true;
        this.offer({ kind: "committed", epoch });
      });
    });
  }

  #invoke({ ticket, invocation }: StartedInvocation): void {
    this.#step(async () => {
      const outcome = await this.#options.call(invocation);
      this.#step(() => this.offer({ kind: "outcome", ticket, outcome }));
    });
  }

  #release(release: Release): void {
    if (!("request" in release)) return this.#step(() => this.#options.onRelease(this, release));
    const waiting = this.#waiting.get(release.request);
    if (waiting === undefined) return;
    this.#waiting.delete(release.request);
    waiting.question.isAnswered = true;
    waiting.end.resolve(release);
  }
}
