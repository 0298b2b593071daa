/** What everything in a node stands on: its module, its data, its topics, its metrics. */
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { StatefoldError } from "../base/errors.ts";
import type { Report } from "../base/report.ts";
import { DEFAULT_LIMITS as GATEWAY_LIMITS } from "../gateway/limits.ts";
import { resolveOptions } from "../log/options.ts";
import { TopicLog } from "../log/topic-log.ts";
import type { Module } from "../spec/module.ts";
import type { Logger } from "../telemetry/logger.ts";
import { MetricsRegistry } from "../telemetry/metrics.ts";
import { declareProcessMetrics } from "../telemetry/process-metrics.ts";
import type { Closing } from "./closing.ts";
import { shareDescriptors } from "./descriptors.ts";
import type { KafkaParts } from "./kafka.ts";
import { loadModules } from "./load-modules.ts";
import type { NodeOptions } from "./options.ts";
import type { Snapshots } from "./snapshots.ts";
import { DEFAULT_PARTITIONS, type openStorage, type Storage } from "./storage.ts";

const DEFAULT_APPLICATION = "statefold";
/** Retention of the topic log looks at the topics so often. */
const RETENTION_EVERY_MS = 60_000;

export interface Ground {
  readonly options: NodeOptions;
  readonly application: string;
  readonly module: Module;
  readonly storage: Storage;
  /** Undefined: none are taken. */
  readonly snapshots: Snapshots | undefined;
  readonly log: TopicLog;
  /** What Kafka egresses are made of, here or on another thread. */
  readonly kafka: Omit<KafkaParts, "report">;
  /** That partitions are spread over, no more than there are partitions; 1: they are on this one. */
  readonly threads: number;
  readonly metrics: MetricsRegistry;
  readonly logger: Logger;
  readonly report: Report;
  /** What the gateway may have of the process's descriptors. */
  readonly maxConnections: number;
  /** The data was restored from a snapshot of another application. */
  readonly isFork: boolean;
}

export async function openGround(
  options: NodeOptions,
  open: typeof openStorage,
  closing: Closing,
): Promise<Ground> {
  const { logger, application = DEFAULT_APPLICATION } = options;
  const report: Report = (level, message, fields) => logger[level](fields ?? {}, message);
  const module = await loadModules(options, logger);
  const snapshots = await openSnapshots(options, application, closing);
  const storage = await openData(options, application, open, snapshots, closing);
  const isFork = storage.origin !== undefined && storage.origin.application !== application;
  if (isFork && options.forkPublishes !== true) refuseFork(module, application, storage);
  const { maxConnections, maxOpenFiles } = shareDescriptors({
    maxConnections: GATEWAY_LIMITS.maxConnections,
    maxOpenFiles: resolveOptions({}).maxOpenFiles,
  });
  const log = await openLog(storage, options, snapshots, report, maxOpenFiles, closing);
  const owner = { data: storage.numbers, process: randomBytes(6).toString("hex") };
  const metrics = new MetricsRegistry();
  const stopProcessMetrics = declareProcessMetrics(metrics);
  closing.add(async () => stopProcessMetrics());
  return {
    ...{
      options,
      application,
      module,
      storage,
      snapshots,
      log,
      metrics,
      logger,
      report,
    },
    kafka: {
      ...{ application, owner, acceptLoss: options.acceptLoss },
      intentsPath: join(storage.path, "egresses"),
    },
    threads: threadsFor(options, storage),
    maxConnections,
    isFork,
  };
}

function threadsFor({ threads = 1, logger }: NodeOptions, storage: Storage): number {
  const { partitionCount } = storage;
  if (threads <= partitionCount) return threads;
  const text = "There are more threads than partitions, which have one thread each.";
  logger.warn({ threads, partitions: partitionCount }, text);
  return partitionCount;
}

/** Whoever tries something out does not mean to write to the original's topics. */
function refuseFork(module: Module, application: string, { origin }: Storage): void {
  for (const { kind, id, place } of module.egresses) {
    if (kind !== "kafka") continue;
    const where = `${place.file}:${place.line}:${place.column} ${id}`;
    throw new StatefoldError(
      "CONFIG_INVALID",
      `${where}: this data is a fork of "${origin?.application}", and "${application}" would publish to Kafka, maybe to the topics of the original; --embedded keeps it in the topic log, --fork-publishes allows it`,
    );
  }
}

async function openSnapshots(
  { dataDir, snapshots: settings, logger }: NodeOptions,
  application: string,
  closing: Closing,
): Promise<Snapshots | undefined> {
  if (settings === undefined) return undefined;
  if (dataDir === undefined) {
    const text =
      "snapshots are taken of a data directory, and none is used: --memory keeps nothing";
    throw new StatefoldError("CONFIG_INVALID", text);
  }
  const { Snapshots } = await import("./snapshots.ts");
  const part = logger.child({ part: "snapshots" });
  const snapshots = await Snapshots.open(settings, application, part);
  closing.add(() => snapshots.stop());
  return snapshots;
}

async function openData(
  { dataDir, partitions, threads = 1, acceptLoss, tablesAhead, logger }: NodeOptions,
  application: string,
  open: typeof openStorage,
  snapshots: Snapshots | undefined,
  closing: Closing,
): Promise<Storage> {
  const restoration = snapshots === undefined ? undefined : () => snapshots.restoration();
  const newPartitions = Math.max(DEFAULT_PARTITIONS, threads);
  const asked = { dataDir, application, partitions, newPartitions, acceptLoss, tablesAhead };
  const storage = await open({ ...asked, restoration });
  closing.add(() => storage.close());
  await snapshots?.claim(storage);
  if (storage.isNew && storage.dataDir !== undefined) {
    // Where a disk is not mounted, its folder looks like this.
    logger.warn(
      { dataDir: storage.dataDir },
      "The data directory is new: nothing was here before.",
    );
  }
  return storage;
}

async function openLog(
  storage: Storage,
  options: NodeOptions,
  snapshots: Snapshots | undefined,
  report: Report,
  maxOpenFiles: number,
  closing: Closing,
): Promise<TopicLog> {
  const log = await TopicLog.open(storage.path, {
    ...{ partitions: storage.partitionCount, report, maxOpenFiles },
    retention: options.topicRetention ?? {},
    onCut: snapshots === undefined ? undefined : (cut) => snapshots.logCut(cut),
  });
  closing.add(() => log.close());
  const sweeping = setInterval(() => void log.applyRetention(), RETENTION_EVERY_MS);
  closing.add(async () => clearInterval(sweeping));
  return log;
}
