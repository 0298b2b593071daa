/** The snapshots of a running node: where they are kept, who takes them, and what is told of them. */
import { hostname } from "node:os";
import { assert } from "../base/assert.ts";
import { describeError, type StatefoldError } from "../base/errors.ts";
import type { BlobStore } from "../blob/contract.ts";
import { openBlobStore } from "../blob/open.ts";
import type { SnapshotStatus } from "../gateway/admin-port.ts";
import type { LogCut } from "../log/cut.ts";
import type { TopicLog } from "../log/topic-log.ts";
import type { Cut } from "../partition/ports.ts";
import { claim, who } from "../snapshot/claim.ts";
import { systemSnapshotClock } from "../snapshot/clock.ts";
import { Coordinator, type TakenSnapshot } from "../snapshot/coordinator.ts";
import type { Head } from "../snapshot/head.ts";
import { loadHead } from "../snapshot/head-file.ts";
import type { Ownership } from "../snapshot/ownership.ts";
import type { RestoreReport } from "../snapshot/restore.ts";
import type { StoreSnapshot } from "../store/contract.ts";
import type { Origin } from "../store/description.ts";
import type { DataDirectory } from "../store/directory.ts";
import type { Logger } from "../telemetry/logger.ts";
import type { Partitions } from "./partitions.ts";
import { findRestoration, type Restoration, type RestoredFrom } from "./restoration.ts";
import type { SnapshotMetrics } from "./snapshot-metrics.ts";
import type { Storage } from "./storage.ts";

export interface SnapshotSettings {
  /** Of the blob store. */
  readonly url: string;
  /** Undefined: only on demand. */
  readonly everyMs: number | undefined;
  /** An owner of the prefix that shows no life for so long is dead. Default LEASE_MS. */
  readonly leaseMs?: number;
}

/** The last one of a drain has so long at least. */
const LAST_MS = 10_000;

export class Snapshots {
  readonly #settings: SnapshotSettings;
  readonly #application: string;
  readonly #logger: Logger;
  readonly #blob: BlobStore;
  #owner: Ownership | undefined;
  #numbers = "";
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

  /** For an empty data directory: the latest snapshot there is. They are claimed before it is restored. */
  async restoration(): Promise<Restoration | undefined> {
    const found = await findRestoration({
      blob: this.#blob,
      application: this.#application,
      takeOver: (data) => this.#claim(data, true),
      onRestored: (report, restored) => this.#restored(report, restored),
    });
    if (found === undefined) return undefined;
    return { ...found, fill: (directory, data) => this.#fill(found, directory, data) };
  }

  async #fill(found: Restoration, directory: DataDirectory, data: string): Promise<Origin> {
    const before = await this.#head();
    try {
      return await found.fill(directory, data);
    } catch (error) {
      // Nothing was made: they are again whose they were, should that data come back.
      if (before !== undefined) await this.#owner?.handBack(before.owner.data);
      throw error;
    }
  }

  #restored(report: RestoreReport, { barrier, takenAtMs }: RestoredFrom): void {
    const { entries, inFlight, metas } = report;
    const takenAt = new Date(takenAtMs).toISOString();
    const fields = { barrier, takenAt, partitions: metas.length, entries, inFlight };
    this.#logger.warn(fields, `Snapshot ${barrier} of ${takenAt} was restored.`);
  }

  /**
   * From now on no other runtime adds to them, until this one lets them go.
   *
   * @param storage the data directory, which is locked
   * @throws StatefoldError SNAPSHOT_OWNED, SNAPSHOT_FOREIGN
   */
  async claim(storage: Pick<Storage, "identity" | "numbers" | "origin">): Promise<void> {
    const { identity, numbers, origin } = storage;
    this.#numbers = numbers;
    // Those of a directory that was just restored were claimed before.
    if (this.#owner !== undefined) return;
    const before = await this.#head();
    await this.#claim(identity, false);
    if (before === undefined || origin === undefined || before.owner.data === identity) return;
    const { snapshots } = before;
    const later = snapshots.slice(snapshots.indexOf(origin.snapshot) + 1);
    if (later.length === 0) return;
    this.#logger.warn(
      { restored: origin.snapshot, later },
      "Later snapshots were taken than the one this data was restored from: what left since then leaves again.",
    );
  }

  async #claim(data: string, isEmpty: boolean): Promise<Ownership> {
    const runtime = { data, host: hostname(), pid: process.pid, command: "statefold run" };
    const { leaseMs } = this.#settings;
    this.#owner = await claim({
      ...{ blob: this.#blob, clock: systemSnapshotClock, application: this.#application, runtime },
      ...{ incarnation: 0, isEmpty, ...(leaseMs === undefined ? {} : { leaseMs }) },
      onWait: (owner, waitMs) => {
        const text = `The snapshots were kept by ${who(owner)}, which did not say good-bye. It is watched for ${waitMs / 1_000} s, to be sure that it is dead.`;
        this.#logger.warn(text);
      },
    });
    // A restore, and opening what is there, may take longer than the lease.
    this.#owner.beat({
      onMissed: (error) =>
        this.#logger.debug({ reason: describeError(error) }, "A beat was missed."),
      onFenced: () => {}, // whatever is stored next is told
    });
    return this.#owner;
  }

  async #head(): Promise<Head | undefined> {
    return (await loadHead(this.#blob))?.head;
  }

  /** The latest that is complete, of this life of the node. */
  get last(): SnapshotStatus | undefined {
    return this.#last;
  }

  /** Why the latest attempt was given up; undefined when it was not. */
  get reason(): string | undefined {
    return this.#reason;
  }

  /**
   * A partition begins this incarnation: one that is restored from a snapshot begins a greater one. After an accepted
   * loss nothing but the data directory knows of it, and what leaves under its numbers is remembered by others.
   */
  async incarnated(incarnation: number): Promise<void> {
    const owner = this.#owner;
    if (owner === undefined || incarnation <= owner.head.incarnation) return;
    await owner.update((head) => {
      return { ...head, incarnation: Math.max(head.incarnation, incarnation) };
    });
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

  /** What the topic log hands over. */
  logCut(cut: LogCut): void {
    if (this.#coordinator !== undefined) this.#coordinator.logCut(cut);
    else cut.close();
  }

  /** @param onFenced nothing of this application may go on here: another runtime of it is running */
  start(
    partitions: Partitions,
    log: TopicLog,
    metrics: SnapshotMetrics,
    onFenced: (error: StatefoldError) => void,
  ): void {
    const owner = this.#owner;
    assert(owner !== undefined, "the snapshots were claimed");
    const logger = this.#logger;
    this.#coordinator = new Coordinator({
      ...{ blob: this.#blob, owner, numbers: this.#numbers, clock: systemSnapshotClock },
      everyMs: this.#settings.everyMs,
      log,
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
