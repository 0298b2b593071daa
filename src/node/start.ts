/**
 * The composition root: from options to a running node.
 *
 * Parts are opened in the order of their dependence and closed in the reverse of it. What fails while
 * starting closes what was opened before. A partition that cannot go on ends the node with its reason.
 */
import { randomBytes } from "node:crypto";
import { deferred } from "../base/deferred.ts";
import { describeError, type StatefoldError } from "../base/errors.ts";
import type { Report } from "../base/report.ts";
import type { MarkerOwner } from "../egress/kafka-marker.ts";
import { PlaygroundEgress } from "../egress/playground.ts";
import { Gateway } from "../gateway/gateway.ts";
import { DEFAULT_LIMITS as GATEWAY_LIMITS } from "../gateway/limits.ts";
import { resolveOptions } from "../log/options.ts";
import { TopicLog } from "../log/topic-log.ts";
import { DEFAULT_LIMITS } from "../partition/limits.ts";
import type { Directory } from "../partition/ports.ts";
import type { Logger } from "../telemetry/logger.ts";
import { MetricsRegistry } from "../telemetry/metrics.ts";
import { declareProcessMetrics } from "../telemetry/process-metrics.ts";
import { NodeAdmin } from "./admin.ts";
import { Closing } from "./closing.ts";
import { ComposedNode } from "./composed-node.ts";
import { shareDescriptors } from "./descriptors.ts";
import { DiskReserve } from "./disk-reserve.ts";
import { EgressFigures } from "./egress-figures.ts";
import { Functions } from "./functions.ts";
import { declareLagMetric } from "./ingress-metrics.ts";
import type { KafkaParts } from "./kafka.ts";
import { loadModules } from "./load-modules.ts";
import { NodeMessages } from "./messages.ts";
import { declareCommitMetric, declareDiskMetric, declarePartitionMetrics } from "./metrics.ts";
import type { Listening, NodeOptions, RunningNode } from "./options.ts";
import { Partitions } from "./partitions.ts";
import { NodeReport } from "./report.ts";
import { openStorage, type Storage } from "./storage.ts";
import { NodeTopics } from "./topics.ts";
import { Watch } from "./watch.ts";
import { type OpenedIngress, openIngresses, openPlaygrounds } from "./ways-in.ts";
import { type OpenedEgress, openEgresses } from "./ways-out.ts";

const DEFAULT_APPLICATION = "statefold";
/** Retention of the topic log looks at the topics so often. */
const RETENTION_EVERY_MS = 60_000;

/**
 * Starts a node; resolves when it listens and every partition is open.
 *
 * @param open where the data is kept; another one than the options say is for tests
 * @throws StatefoldError of what does not open: MODULE_INVALID, STORE_LOCKED, CONFIG_INVALID, …
 */
export async function startNode(
  options: NodeOptions,
  open: typeof openStorage = openStorage,
): Promise<RunningNode> {
  const closing = new Closing();
  try {
    return await compose(options, open, closing);
  } catch (error) {
    try {
      await closing.close();
    } catch (failure) {
      options.logger.error({ reason: describeError(failure) }, "What was opened does not close.");
    }
    throw error;
  }
}

async function compose(
  options: NodeOptions,
  open: typeof openStorage,
  closing: Closing,
): Promise<RunningNode> {
  const { logger, host, acceptLoss, application = DEFAULT_APPLICATION } = options;
  const module = await loadModules(options, logger);
  const storage = await openData(options, application, open, closing);
  const report = reportTo(logger);
  const { maxConnections, maxOpenFiles } = shareDescriptors({
    maxConnections: GATEWAY_LIMITS.maxConnections,
    maxOpenFiles: resolveOptions({}).maxOpenFiles,
  });
  const log = await openLog(storage, options, report, maxOpenFiles, closing);
  const functions = await Functions.open(module.endpoints);
  closing.add(() => functions.close());
  const listening: Listening[] = [];
  const owner: MarkerOwner = { data: storage.identity, process: randomBytes(6).toString("hex") };
  const kafka: KafkaParts = { application, owner, acceptLoss, report };
  const egresses = openEgresses(module, { host, log, kafka });
  for (const { egress } of egresses) {
    await egress.start();
    closing.add(() => egress.stop());
  }
  listening.push(...playgroundsOf(egresses, host));
  const egressById = new Map(egresses.map(({ egress }) => [egress.id, egress]));
  const metrics = new MetricsRegistry();
  const figures = new EgressFigures(
    metrics,
    egresses.map(({ egress }) => egress),
  );
  const stopProcessMetrics = declareProcessMetrics(metrics);
  closing.add(async () => stopProcessMetrics());
  const ended = deferred<StatefoldError | undefined>();
  const ingresses: OpenedIngress[] = [];
  const directory: Directory = {
    function: (type) => functions.binding(type),
    egress: (id) => egressById.get(id),
  };
  const reserve = new DiskReserve({
    measure: () => storage.space(),
    onRoom: () => partitions.offerSources(),
    logger,
  });
  closing.add(async () => reserve.stop());
  const held = () => reserve.reason;
  const partitions = new Partitions(storage.partitionCount, {
    ...{ application, storage, directory, limits: DEFAULT_LIMITS, egresses: egressById, logger },
    held,
    invoke: (invocation, signal) => functions.invoke(invocation, signal),
    onOpened: (index) => {
      for (const { ingress } of ingresses) ingress.rewind(index);
    },
    onCommit: declareCommitMetric(metrics),
    onPublished: (egress, elapsedMs, records) => figures.published(egress, elapsedMs, records),
    onEnded: (error) => {
      nodeReport.phase = { kind: "failed", error };
      ended.resolve(error);
    },
  });
  const nodeReport = new NodeReport({
    ...{ application, dataDir: storage.dataDir, partitions, functions, metrics },
    ...{ ingresses, egresses, figures },
  });
  closing.add(() => partitions.stop());
  await reserve.start();
  await partitions.open();
  declareDiskMetric(metrics, reserve);
  declarePartitionMetrics(metrics, partitions);
  const messages = new NodeMessages(partitions);
  ingresses.push(...openIngresses(module, { application, log, metrics, report }));
  declareLagMetric(metrics, () => ingresses.map(({ ingress }) => ingress));
  for (const { ingress } of ingresses) {
    closing.add(() => ingress.stop());
    await ingress.start(partitions);
  }
  for (const playground of openPlaygrounds(module, host, messages, report)) {
    await playground.start();
    closing.add(() => playground.stop());
    listening.push({ name: "playground ingress", url: urlOf(host, playground.port) });
  }
  const gateway = new Gateway({
    ...{ host, port: options.port, logger: logger.child({ part: "gateway" }), metrics },
    ...{ messages, topics: new NodeTopics(log, held), health: nodeReport },
    admin: new NodeAdmin(partitions, nodeReport),
    limits: { maxConnections },
  });
  const { url } = await gateway.start();
  closing.add(() => gateway.stop());
  listening.unshift({ name: "http", url });
  // A partition may have given up meanwhile.
  if (nodeReport.phase.kind === "failed") throw nodeReport.phase.error;
  nodeReport.phase = { kind: "running" };
  const watch = new Watch(nodeReport, logger);
  watch.start();
  closing.add(async () => watch.stop());
  return new ComposedNode({
    ...{ listening, ended, report: nodeReport, messages, gateway, partitions, closing },
    ingresses: ingresses.map(({ ingress }) => ingress),
  });
}

async function openData(
  { dataDir, partitions, acceptLoss, logger }: NodeOptions,
  application: string,
  open: typeof openStorage,
  closing: Closing,
): Promise<Storage> {
  const storage = await open({ dataDir, application, partitions, acceptLoss });
  closing.add(() => storage.close());
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
  report: Report,
  maxOpenFiles: number,
  closing: Closing,
): Promise<TopicLog> {
  const log = await TopicLog.open(storage.path, {
    ...{ partitions: storage.partitionCount, report, maxOpenFiles },
    retention: options.topicRetention ?? {},
  });
  closing.add(() => log.close());
  const sweeping = setInterval(() => void log.applyRetention(), RETENTION_EVERY_MS);
  closing.add(async () => clearInterval(sweeping));
  return log;
}

function playgroundsOf(egresses: readonly OpenedEgress[], host: string): Listening[] {
  return egresses.flatMap(({ egress }) =>
    egress instanceof PlaygroundEgress
      ? [{ name: "playground egress", url: urlOf(host, egress.port) }]
      : [],
  );
}

function urlOf(host: string, port: number | undefined): string {
  return `http://${host.includes(":") ? `[${host}]` : host}:${port ?? 0}`;
}

function reportTo(logger: Logger): Report {
  return (level, message, fields) => logger[level](fields ?? {}, message);
}
