/**
 * One partition of a running node: its store, its driver, the requests that wait for it, and its egress
 * publishers. When its memory must be dropped (a failed commit, a mistake of ours), it opens it anew from
 * what is durable; when that keeps failing, the node ends with the reason.
 */
import { assert, unreachable } from "../base/assert.ts";
import { systemClock } from "../base/clock.ts";
import { type Deferred, deferred } from "../base/deferred.ts";
import { describeError, StatefoldError } from "../base/errors.ts";
import type { Egress } from "../egress/contract.ts";
import type { Invocation, Outcome } from "../model/invocation.ts";
import { Driver } from "../partition/driver.ts";
import type { PartitionLimits } from "../partition/limits.ts";
import type { Partition } from "../partition/partition.ts";
import type { Directory, Input, Release } from "../partition/ports.ts";
import { openPartition } from "../partition/recovery.ts";
import type { Store } from "../store/contract.ts";
import type { Logger } from "../telemetry/logger.ts";
import { Publisher } from "./publisher.ts";
import { sleep } from "./sleep.ts";
import type { Storage } from "./storage.ts";

/** Openings in a row that fail, or whose first commits do, before the node gives up. */
const MAX_FAILURES = 3;
const REOPEN_AFTER_MS = 250;

/** A release that answers a request. */
export type Answer = Extract<Release, { readonly request: number }>;
/** An input that is answered. */
export type Question = Extract<Input, { readonly request: number }>;

export interface PartitionHostOptions {
  readonly index: number;
  readonly application: string;
  readonly storage: Storage;
  readonly directory: Directory;
  readonly limits: PartitionLimits;
  readonly egresses: ReadonlyMap<string, Egress>;
  readonly invoke: (invocation: Invocation, signal: AbortSignal) => Promise<Outcome>;
  /** Releases for other partitions. */
  readonly toPeer: (from: number, release: PeerRelease) => void;
  /** It has opened (again): sources go on from their stored positions. */
  readonly onOpened: (index: number) => void;
  readonly onCommit: (elapsedMs: number, writes: number) => void;
  /** It cannot go on. */
  readonly onEnded: (error: StatefoldError) => void;
  readonly logger: Logger;
}

export type PeerRelease = Extract<Release, { readonly to: number }>;

type Life =
  | { readonly kind: "closed" }
  | {
      readonly kind: "running";
      readonly partition: Partition;
      readonly store: Store;
      readonly driver: Driver;
      readonly publishers: Map<string, Publisher>;
    }
  | { readonly kind: "failed"; readonly error: StatefoldError }
  | { readonly kind: "stopped" };

export class PartitionHost {
  readonly index: number;
  readonly #options: PartitionHostOptions;
  readonly #abort = new AbortController();
  readonly #waiting = new Map<number, Deferred<Answer>>();
  #life: Life = { kind: "closed" };
  #requests = 0;
  #failures = 0;
  #reopening: Promise<void> | undefined;
  /** Whoever waits for room, in order; resolved when the partition is below its bound again. */
  #roomWaiters: Deferred<void>[] = [];

  constructor(options: PartitionHostOptions) {
    this.#options = options;
    this.index = options.index;
  }

  get life(): Life {
    return this.#life;
  }

  get partition(): Partition | undefined {
    return this.#life.kind === "running" ? this.#life.partition : undefined;
  }

  get store(): Store | undefined {
    return this.#life.kind === "running" ? this.#life.store : undefined;
  }

  /** Requests that wait for an answer. */
  get waiting(): number {
    return this.#waiting.size;
  }

  async open(): Promise<void> {
    assert(this.#life.kind === "closed", "a partition is opened once");
    const { index, application, storage, directory, limits } = this.#options;
    const store = await storage.openPartition(index);
    let partition: Partition;
    try {
      partition = await openPartition(store, {
        ...{ application, partition: index, partitionCount: storage.partitionCount },
        ...{ formatVersion: storage.formatVersion, directory, limits, random: Math.random },
        lostEpoch: store.lostEpoch,
      });
    } catch (error) {
      await store.close();
      throw error;
    }
    const driver = new Driver({
      ...{ partition, store, clock: systemClock, invoke: this.#options.invoke },
      release: (release) => this.#release(release),
      onFailure: (error) => this.#failed(error),
      onCommit: (elapsedMs, writes) => {
        this.#failures = 0;
        this.#options.onCommit(elapsedMs, writes);
        this.#checkRoom();
      },
    });
    this.#life = { kind: "running", partition, store, driver, publishers: new Map() };
    this.#options.onOpened(index);
  }

  /** Queues an input; dropped while the partition is down, as the wire drops it. */
  offer(input: Input): void {
    if (this.#life.kind === "running") this.#life.driver.offer(input);
  }

  /**
   * Asks, and waits for the answer, which comes when it is durable.
   * @returns the request's number, by which it may hang up
   * @throws StatefoldError UNAVAILABLE when the partition goes down first: done or not, nobody knows
   */
  ask(question: DistributiveOmit<Question, "request">): {
    request: number;
    answer: Promise<Answer>;
  } {
    if (this.#life.kind !== "running") throw this.#unavailable();
    const request = ++this.#requests;
    const waiting = deferred<Answer>();
    this.#waiting.set(request, waiting);
    this.#life.driver.offer({ ...question, request } as Question);
    return { request, answer: waiting.promise };
  }

  /**
   * The caller no longer waits. With `keep` it is answered all the same: `pending`, or the reply; without,
   * at once, and the reply is for nobody.
   */
  hangUp(request: number, keep: boolean): void {
    const waiting = this.#waiting.get(request);
    if (waiting === undefined) return;
    this.offer({ kind: "hangUp", request, keep });
    if (keep) return;
    this.#waiting.delete(request);
    waiting.resolve({ kind: "pending", request, callId: "" });
  }

  /** Resolves when the partition takes from sources again; rejects when it goes down. */
  async room(): Promise<void> {
    while (this.#life.kind === "running" && this.#life.partition.isFull) {
      const waiter = deferred<void>();
      this.#roomWaiters.push(waiter);
      await waiter.promise;
    }
    if (this.#life.kind !== "running") throw this.#unavailable();
  }

  /** What its egresses say about their receivers. */
  publisherReason(egress: string): string | undefined {
    return this.#life.kind === "running" ? this.#life.publishers.get(egress)?.reason : undefined;
  }

  /** Ends now; what is durable stays. Idempotent. */
  async stop(): Promise<void> {
    this.#abort.abort();
    await this.#reopening;
    const life = this.#life;
    if (life.kind === "stopped") return;
    this.#life = { kind: "stopped" };
    this.#dropWaiting();
    if (life.kind === "running") await this.#close(life);
  }

  #release(release: Release): void {
    switch (release.kind) {
      case "channel":
      case "acknowledge":
      case "resume":
        return this.#options.toPeer(this.index, release);
      case "publish":
        return this.#publisher(release.egress)?.add(release.first, release.records);
      case "accepted":
      case "replied":
      case "pending":
      case "unknownCall":
      case "refused":
      case "operated": {
        const waiting = this.#waiting.get(release.request);
        this.#waiting.delete(release.request);
        return waiting?.resolve(release);
      }
      default:
        return unreachable(release);
    }
  }

  #publisher(id: string): Publisher | undefined {
    if (this.#life.kind !== "running") return undefined;
    const known = this.#life.publishers.get(id);
    if (known !== undefined) return known;
    const egress = this.#options.egresses.get(id);
    if (egress === undefined) {
      // Its egress has left the module: the records stay in the outbox until it is back.
      this.#options.logger.error(
        { egress: id },
        "Records wait for an egress that the module lacks.",
      );
      return undefined;
    }
    const { driver, publishers } = this.#life;
    const publisher = new Publisher({
      ...{ egress, partition: this.index, logger: this.#options.logger },
      acknowledge: (input) => driver.offer(input),
    });
    publishers.set(id, publisher);
    return publisher;
  }

  #failed(error: unknown): void {
    const { logger } = this.#options;
    const life = this.#life;
    if (life.kind !== "running") return;
    this.#life = { kind: "closed" };
    this.#dropWaiting();
    logger.error(
      { reason: describeError(error) },
      "The partition lost its memory; it is opened anew.",
    );
    this.#reopening = this.#reopen(life, error).finally(() => {
      this.#reopening = undefined;
    });
  }

  async #reopen(life: Extract<Life, { kind: "running" }>, cause: unknown): Promise<void> {
    let reason = cause;
    await this.#close(life).catch((error: unknown) => {
      reason = error;
    });
    while (!this.#abort.signal.aborted) {
      if (++this.#failures > MAX_FAILURES) return this.#giveUp(reason);
      await sleep(REOPEN_AFTER_MS * this.#failures, this.#abort.signal);
      if (this.#abort.signal.aborted) return;
      try {
        return await this.open();
      } catch (error) {
        reason = error;
        this.#options.logger.error(
          { reason: describeError(error) },
          "The partition does not open.",
        );
      }
    }
  }

  #giveUp(reason: unknown): void {
    const text = `partition ${this.index}: ${describeError(reason)}`;
    const code = reason instanceof StatefoldError ? reason.code : "INTERNAL";
    const error = new StatefoldError(code, text, { cause: reason });
    this.#life = { kind: "failed", error };
    this.#options.onEnded(error);
  }

  async #close({ driver, store, publishers }: Extract<Life, { kind: "running" }>): Promise<void> {
    await Promise.all([...publishers.values()].map((publisher) => publisher.stop()));
    await driver.stop();
    await store.close();
  }

  #checkRoom(): void {
    if (this.#roomWaiters.length === 0 || this.partition?.isFull) return;
    for (const waiter of this.#roomWaiters.splice(0)) waiter.resolve();
  }

  #dropWaiting(): void {
    const error = this.#unavailable();
    for (const waiting of this.#waiting.values()) waiting.reject(error);
    this.#waiting.clear();
    for (const waiter of this.#roomWaiters.splice(0)) waiter.resolve();
  }

  #unavailable(): StatefoldError {
    const why =
      this.#life.kind === "failed" ? describeError(this.#life.error) : "it is not running";
    return new StatefoldError("UNAVAILABLE", `partition ${this.index} cannot answer: ${why}`);
  }
}

type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;
