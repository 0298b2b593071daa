/** The snapshots of a running node: where they are kept, who takes them, and what is told of them. */
import { hostname } from "node:os";
import { assert } from "../base/assert.ts";
import { describeError, type StatefoldError } from "../base/errors.ts";
import type { BlobStore } from "../blob/contract.ts";
import { openBlobStore } from "../blob/open.ts";
import type { SnapshotStatus } from "../gateway/admin-port.ts";
import type { Cut } from "../partition/ports.ts";
import { claim } from "../snapshot/claim.ts";
import { systemSnapshotClock } from "../snapshot/clock.ts";
import { Coordinator, type TakenSnapshot } from "../snapshot/coordinator.ts";
import type { Ownership } from "../snapshot/ownership.ts";
import type { StoreSnapshot } from "../store/contract.ts";
import type { Logger } from "../telemetry/logger.ts";
import type { Partitions } from "./partitions.ts";
import { findRestoration, type Restoration } from "./restoration.ts";
import type { SnapshotMetrics } from "./snapshot-metrics.ts";

export interface SnapshotSettings {
  /** Of the blob store. */
  readonly url: string;
  /** Undefined: only on demand. */
  readonly everyMs: number | undefined;
}

/** The last one of a drain has so long at least. */
const LAST_MS = 10_000;

export class Snapshots {
  readonly #settings: SnapshotSettings;
  readonly #application: string;
  readonly #logger: Logger;
  readonly #blob: BlobStore;
  #owner: Ownership | undefined;
  #coordinator: Coordinator | undefined;
  #stopping: Promise<void> | undefined;
  #last: SnapshotStatus | undefined;
  #reason: string | undefined;

  private constructor(
    settings: SnapshotSettings,
    application: string,
    logger: Logger,
    blob: BlobStore,
  ) {
    this.#settings = settings;
    this.#application = application;
    this.#logger = logger;
    this.#blob = blob;
  }

  /** Nothing is asked of the blob store yet. @throws StatefoldError CONFIG_INVALID */
  static async open(
    settings: SnapshotSettings,
    application: string,
    logger: Logger,
  ): Promise<Snapshots> {
    const blob = await openBlobStore(settings.url, {
      onRetry: (failure) => {
        logger.debug({ reason: describeError(failure) }, "The blob store is asked again.");
      },
    });
    return new Snapshots(settings, application, logger, blob);
  }

  /** For an empty data directory: the latest snapshot there is. */
  async restoration(): Promise<Restoration | undefined> {
    return await findRestoration({
      blob: this.#blob,
      application: this.#application,
      onRestored: ({ entries, inFlight, renumbered, metas }, { barrier, takenAtMs }) => {
        const takenAt = new Date(takenAtMs).toISOString();
        const fields = {
          barrier,
          takenAt,
          partitions: metas.length,
          entries,
          inFlight,
          renumbered,
        };
        this.#logger.warn(fields, `Snapshot ${barrier} of ${takenAt} was restored.`);
      },
    });
  }

  /**
   * From now on no other runtime adds to them, until this one lets them go.
   *
   * @param data the data directory, which is locked
   * @throws StatefoldError SNAPSHOT_OWNED, SNAPSHOT_FOREIGN
   */
  async claim(data: string): Promise<void> {
    const runtime = { data, host: hostname(), pid: process.pid, command: "statefold run" };
    this.#owner = await claim({
      ...{ blob: this.#blob, clock: systemSnapshotClock, application: this.#application, runtime },
      incarnation: 0,
    });
  }

  /** The latest that is complete, of this life of the node. */
  get last(): SnapshotStatus | undefined {
    return this.#last;
  }

  /** Why the latest attempt was given up; undefined when it was not. */
  get reason(): string | undefined {
    return this.#reason;
  }

  /** What a partition hands over. */
  cut(partition: number, { barrier, changes }: Cut, snapshot: StoreSnapshot): void {
    if (this.#coordinator !== undefined) {
      this.#coordinator.cut({ partition, barrier, changes, snapshot });
      return;
    }
    // Nobody has asked for it; a barrier of a life before was on its way.
    snapshot.close().catch(() => {});
  }

  /** @param onFenced nothing of this application may go on here: another runtime of it is running */
  start(
    partitions: Partitions,
    metrics: SnapshotMetrics,
    onFenced: (error: StatefoldError) => void,
  ): void {
    const owner = this.#owner;
    assert(owner !== undefined, "the snapshots were claimed");
    const logger = this.#logger;
    this.#coordinator = new Coordinator({
      ...{ blob: this.#blob, owner, clock: systemSnapshotClock },
      everyMs: this.#settings.everyMs,
      partitions: {
        count: partitions.partitionCount,
        get barrier() {
          return partitions.barrier;
        },
        announce: (barrier) => partitions.announce(barrier),
        completed: (barrier) => partitions.snapshotComplete(barrier),
      },
      listener: {
        onComplete: (taken) => {
          metrics.completed(taken);
          const { name, manifest, cutMs, elapsedMs, writtenBytes } = taken;
          this.#last = { barrier: manifest.barrier, atMs: manifest.takenAtMs };
          this.#reason = undefined;
          const fields = { snapshot: name, cutMs, elapsedMs, writtenBytes };
          logger.debug(fields, "A snapshot is complete.");
        },
        onAbandoned: (_, reason) => {
          metrics.abandoned();
          this.#reason = describeError(reason);
          logger.warn({ reason: this.#reason }, "A snapshot was given up.");
        },
        onFenced: (error) => {
          logger.error({ reason: describeError(error) }, "Another runtime has taken over.");
          onFenced(error);
        },
        onTrouble: (what, error) => {
          logger.warn({ reason: describeError(error) }, `Snapshots: ${what}.`);
        },
      },
    });
    this.#coordinator.start();
  }

  /** A snapshot of what is there now. @throws StatefoldError SNAPSHOT_ABANDONED, SNAPSHOT_FENCED, UNAVAILABLE */
  async take(): Promise<TakenSnapshot> {
    assert(this.#coordinator !== undefined, "snapshots are being taken");
    return await this.#coordinator.take();
  }

  /** The last one before the end, within so many ms or some seconds more. Never rejects. */
  async takeLast(graceMs: number): Promise<void> {
    if (this.#coordinator === undefined) return;
    const timer = setTimeout(() => void this.stop(), Math.max(graceMs, LAST_MS));
    try {
      const { name } = await this.take();
      this.#logger.info({ snapshot: name }, "The last snapshot is complete.");
    } catch (error) {
      this.#logger.warn({ reason: describeError(error) }, "There is no last snapshot.");
    } finally {
      clearTimeout(timer);
    }
  }

  /** Lets them go. Idempotent; never rejects. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    try {
      if (this.#coordinator !== undefined) await this.#coordinator.stop();
      else await this.#owner?.release();
      await this.#blob.close();
    } catch (error) {
      this.#logger.warn({ reason: describeError(error) }, "Snapshots do not end as they should.");
    }
  }
}
