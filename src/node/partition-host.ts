/**
 * One partition of a running node: its store, its driver, the requests and source batches that wait for
 * it, and its egress publishers. When its memory must be dropped (a failed commit, a mistake of ours), it
 * is opened anew from what is durable (reopening.ts); when that keeps failing, the node ends with the reason.
 */

import { assert, unreachable } from "../base/assert.ts";
import { systemClock } from "../base/clock.ts";
import { describeError, StatefoldError } from "../base/errors.ts";
import { unforeseeableRandom } from "../base/random.ts";
import type { Egress } from "../egress/contract.ts";
import type { Invoker } from "../invoke/contract.ts";
import type { SourceBatch } from "../model/source.ts";
import { Driver } from "../partition/driver.ts";
import type { PartitionLimits } from "../partition/limits.ts";
import type { Partition } from "../partition/partition.ts";
import type { PeerRelease } from "../partition/peers.ts";
import type { Cut, Directory, Input, Release } from "../partition/ports.ts";
import { openPartition } from "../partition/recovery.ts";
import type { Store, StoreSnapshot } from "../store/contract.ts";
import { egressDestination, placeOfDestination } from "../store/keys.ts";
import type { Logger } from "../telemetry/logger.ts";
import { backlogOf, type EgressBacklog, FIGURES, type FigureName, NO_BACKLOG } from "./figures.ts";
import { Publishers } from "./publishers.ts";
import { Reopening } from "./reopening.ts";
import { type Asker, type Question, Requests } from "./requests.ts";
import type { Notice, Phase, Seat } from "./seat.ts";
import { SourceQueue, type Taker } from "./source-queue.ts";
import type { Storage } from "./storage.ts";
import { VIEWS, type ViewName, type Views } from "./views.ts";

/** Where its store is. */
export type PartitionStorage = Pick<Storage, "partitionCount" | "formatVersion" | "openPartition">;

export interface PartitionHostOptions {
  readonly index: number;
  readonly application: string;
  readonly storage: PartitionStorage;
  readonly directory: Directory;
  readonly limits: PartitionLimits;
  readonly egresses: ReadonlyMap<string, Egress>;
  readonly invoke: Invoker["invoke"];
  /** As {@link Condition} tells it. Default: none. */
  readonly onFrames?: () => readonly string[];
  /** Releases for other partitions. */
  readonly toPeer: (from: number, release: PeerRelease) => void;
  /** Whether records of an egress may leave whose numbers begin here. Default: they may. */
  readonly mayPublish?: (egress: string, first: number) => boolean;
  /** Why the node takes nothing in, whatever room the partition has; undefined while it does. Default: it does. */
  readonly held?: () => string | undefined;
  /**
   * Before anything of this incarnation leaves. When it rejects, the partition does not open. Default: nobody keeps
   * them.
   */
  readonly onIncarnation?: ((incarnation: number) => Promise<void>) | undefined;
  /** It has opened (again): sources go on from their stored positions. */
  readonly onOpened: (index: number) => void;
  readonly onCommit: (elapsedMs: number, writes: number) => void;
  /**
   * This partition's part of a snapshot. Whoever gets it closes it; when the partition goes down before, its
   * reads reject, UNAVAILABLE. It may be of a number that was given up: a peer that cut tells of it late. Called within a turn: must not call back but by offering. Default: no
   * snapshots are taken, and what has changed is not remembered.
   */
  readonly onCut?: ((partition: number, cut: Cut, snapshot: StoreSnapshot) => void) | undefined;
  /** An egress has taken records. */
  readonly onPublished: (egress: string, elapsedMs: number, records: number) => void;
  /** It had a turn, or opened, or went down. Default: nobody looks. */
  readonly onChange?: ((host: PartitionHost) => void) | undefined;
  /** It cannot go on. */
  readonly onEnded: (error: StatefoldError) => void;
  readonly logger: Logger;
  /** Default 250. */
  readonly reopenAfterMs?: number;
}

interface Running {
  readonly kind: "running";
  readonly partition: Partition;
  readonly store: Store;
  readonly driver: Driver;
  readonly publishers: Publishers;
}

type Life =
  /** Not yet open, or between two lives. */
  | { readonly kind: "closed" }
  | Running
  | { readonly kind: "failed"; readonly error: StatefoldError }
  | { readonly kind: "stopped" };

const PHASES = {
  ...({ running: "running", failed: "failed", closed: "loading", stopped: "stopped" } as const),
} satisfies Readonly<Record<Life["kind"], Phase>>;

export class PartitionHost implements Seat {
  readonly index: number;
  readonly #options: PartitionHostOptions;
  readonly #reopening: Reopening;
  readonly #requests = new Requests();
  readonly #sources = new SourceQueue();
  #life: Life = { kind: "closed" };
  #stopping: Promise<void> | undefined;

  constructor(options: PartitionHostOptions) {
    this.#options = options;
    this.index = options.index;
    this.#reopening = new Reopening({
      ...{ open: () => this.open(), giveUp: (cause) => this.#giveUp(cause) },
      ...{ logger: options.logger, afterMs: options.reopenAfterMs },
    });
  }

  get life(): Life {
    return this.#life;
  }

  get partition(): Partition | undefined {
    return this.#life.kind === "running" ? this.#life.partition : undefined;
  }

  get phase(): Phase {
    return PHASES[this.#life.kind];
  }

  figure(name: FigureName): number {
    const { partition } = this;
    return partition === undefined ? 0 : FIGURES[name](partition);
  }

  backlog(egress: string): EgressBacklog {
    const { partition } = this;
    return partition === undefined ? NO_BACKLOG : backlogOf(partition, egress);
  }

  /** Requests that wait for an answer. */
  get waiting(): number {
    return this.#requests.size;
  }

  async open(): Promise<void> {
    assert(this.#life.kind === "closed", "a partition is opened once");
    const { index, application, storage, directory, limits, onCut } = this.#options;
    const store = await storage.openPartition(index);
    let partition: Partition;
    try {
      partition = await openPartition(store, {
        ...{ application, partition: index, partitionCount: storage.partitionCount },
        ...{ formatVersion: storage.formatVersion, directory, limits },
        random: unforeseeableRandom(),
        lostEpoch: store.lostEpoch,
        snapshots: onCut !== undefined,
      });
      await this.#options.onIncarnation?.(partition.incarnation);
    } catch (error) {
      await this.#closeStore(store);
      throw error;
    }
    const openedAtMs = performance.now();
    const driver = new Driver({
      ...{ partition, store, clock: systemClock, invoke: this.#options.invoke },
      release: (release) => this.#release(release),
      onFailure: (error) => this.#failed(error),
      onTurn: () => {
        this.offerSources();
        this.#options.onChange?.(this);
      },
      onCut: onCut === undefined ? undefined : (cut, taken) => onCut(index, cut, taken),
      onCommit: (elapsedMs, writes) => {
        // Before that, each life may find the same damage.
        if (partition.mailboxes.isSurveyed) this.#reopening.committed(openedAtMs);
        this.#options.onCommit(elapsedMs, writes);
      },
    });
    const publishers = new Publishers({
      ...{ partition: index, egresses: this.#options.egresses, logger: this.#options.logger },
      acknowledge: (input) => driver.offer(input),
      mayPublish: this.#options.mayPublish,
      onFenced: (error) => this.#fenced(error),
      onPublished: this.#options.onPublished,
    });
    this.#become({ kind: "running", partition, store, driver, publishers });
    for (const egress of this.#options.egresses.values()) {
      egress.open(index, partition.outboxes.nextOf(egressDestination(egress.id)));
    }
    for (const { destination, next } of partition.outboxes.values()) {
      const place = placeOfDestination(destination);
      if (place.kind !== "egress" || place.heirOf === undefined) continue;
      this.#options.egresses.get(place.egress)?.open(place.heirOf, next);
    }
    this.#options.onOpened(index);
  }

  /** Queues an input; dropped while the partition is down, as the wire drops it. */
  offer(input: Input): void {
    if (this.#life.kind === "running") this.#life.driver.offer(input);
  }

  notify(notice: Notice): void {
    this.offer(notice);
  }

  newRequest(): number {
    return this.#requests.next();
  }

  ask(question: Question, asker: Asker): void {
    const { driver } = this.#running();
    const fullBy = "target" in question ? this.#fullFor(question.target.type) : undefined;
    if (fullBy !== undefined) throw new StatefoldError("OVERLOADED", fullBy);
    this.#requests.add(question.request, asker);
    driver.offer(question);
  }

  hangUp(request: number, keep: boolean): void {
    if (!this.#requests.has(request)) return;
    this.offer({ kind: "hangUp", request, keep });
    if (!keep) this.#requests.settle({ kind: "pending", request, callId: "" });
  }

  async take(batch: SourceBatch): Promise<void> {
    await this.#sources.add(batch, this.#taker(this.#running()));
  }

  /** Why nothing new for functions of a type is taken in at the moment; undefined while it is. */
  #fullFor(type: string): string | undefined {
    const { partition } = this;
    const what = `partition ${this.index} has all the unfinished work`;
    const bound = partition?.fullBy;
    if (bound !== undefined) return `${what} that it may have (${bound})`;
    const held = this.#options.held?.();
    if (held !== undefined || partition === undefined || partition.hasRoomFor(type)) return held;
    return `${what} for functions of type ${type} that it may have`;
  }

  /** Takes what sources have waiting, as far as there is room. */
  offerSources(): void {
    if (this.#life.kind !== "running" || this.#sources.size === 0) return;
    this.#sources.offerTo(this.#taker(this.#life));
  }

  async look<K extends ViewName>(view: K, ask: Views[K]["ask"]): Promise<Views[K]["answer"]> {
    const life = this.#running();
    const { store, partition, publishers } = life;
    try {
      return await VIEWS[view](
        {
          ...{ store, partition, egressReasons: () => publishers.reasons() },
          onFrames: () => this.#options.onFrames?.() ?? [],
        },
        ask,
      );
    } catch (error) {
      throw this.#life === life ? error : this.#unavailable();
    }
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    const reopened = this.#reopening.stop();
    if (this.#life.kind !== "running") await reopened;
    const life = this.#life;
    if (life.kind !== "failed") this.#become({ kind: "stopped" });
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
        return this.#life.kind === "running" ? this.#life.publishers.add(release) : undefined;
      case "accepted":
      case "replied":
      case "pending":
      case "unknownCall":
      case "refused":
      case "operated":
        return this.#requests.settle(release);
      default:
        return unreachable(release);
    }
  }

  #failed(error: unknown): void {
    const life = this.#life;
    if (life.kind !== "running") return;
    this.#become({ kind: "closed" });
    this.#dropWaiting();
    this.#options.logger.error(
      { reason: describeError(error) },
      "The partition lost its memory; it is opened anew.",
    );
    this.#reopening.begin(error, () => this.#close(life));
  }

  /** Another process has taken over. Nothing is opened anew: that would shut out the rightful one. */
  #fenced(error: StatefoldError): void {
    const life = this.#life;
    if (life.kind !== "running") return;
    this.#become({ kind: "closed" });
    this.#dropWaiting();
    this.#reopening.giveUp(error, () => this.#close(life));
  }

  #giveUp(cause: unknown): void {
    const code = cause instanceof StatefoldError ? cause.code : "INTERNAL";
    const error = new StatefoldError(code, `partition ${this.index} cannot go on`, { cause });
    this.#become({ kind: "failed", error });
    this.#options.onEnded(error);
  }

  /** What an egress was taking may have arrived: the next life sends it again, under the same numbers. */
  async #close({ driver, store, publishers }: Running): Promise<void> {
    await Promise.all([driver.stop(), publishers.stop()]);
    await store.close();
  }

  async #closeStore(store: Store): Promise<void> {
    try {
      await store.close();
    } catch (error) {
      const reason = describeError(error);
      this.#options.logger.error({ reason }, "The partition's store does not close.");
    }
  }

  #dropWaiting(): void {
    const error = this.#unavailable();
    this.#requests.failAll(error);
    this.#sources.rejectAll(error);
  }

  #taker({ partition, driver }: Running): Taker {
    const { held } = this.#options;
    return {
      hasRoomFor(types) {
        if (partition.isFull || held?.() !== undefined) return false;
        for (const type of types) if (!partition.hasRoomFor(type)) return false;
        return true;
      },
      offer: (batch) => driver.offer({ kind: "source", ...batch }),
    };
  }

  #running(): Running {
    if (this.#life.kind !== "running") throw this.#unavailable();
    return this.#life;
  }

  #become(life: Life): void {
    this.#life = life;
    this.#options.onChange?.(this);
  }

  #unavailable(): StatefoldError {
    const why = {
      closed: "it is being opened",
      running: "it has lost its memory and is opened anew",
      failed: "it cannot go on",
      stopped: "the node has stopped",
    };
    const text = `partition ${this.index} cannot answer: ${why[this.#life.kind]}`;
    return new StatefoldError("UNAVAILABLE", text);
  }
}
