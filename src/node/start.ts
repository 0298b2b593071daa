/**
 * The composition root: from options to a running node.
 *
 * Parts are opened in the order of their dependence and closed in the reverse of it. What fails while
 * starting closes what was opened before. A partition that cannot go on ends the node with its reason.
 */
import { deferred } from "../base/deferred.ts";
import { describeError, StatefoldError } from "../base/errors.ts";
import type { Report } from "../base/report.ts";
import type { Egress } from "../egress/contract.ts";
import { LogEgress } from "../egress/log.ts";
import { PlaygroundEgress } from "../egress/playground.ts";
import { Gateway } from "../gateway/gateway.ts";
import { DEFAULT_LIMITS as GATEWAY_LIMITS } from "../gateway/limits.ts";
import type { Ingress } from "../ingress/contract.ts";
import { LogIngress } from "../ingress/log.ts";
import { PlaygroundIngress } from "../ingress/playground.ts";
import { resolveOptions } from "../log/options.ts";
import { TopicLog } from "../log/topic-log.ts";
import type { RoutedMessage } from "../model/source.ts";
import { DEFAULT_LIMITS } from "../partition/limits.ts";
import type { Directory } from "../partition/ports.ts";
import type { Egress as EgressSpec, Module } from "../spec/module.ts";
import type { Logger } from "../telemetry/logger.ts";
import { MetricsRegistry } from "../telemetry/metrics.ts";
import { declareProcessMetrics } from "../telemetry/process-metrics.ts";
import { NodeAdmin } from "./admin.ts";
import { Closing } from "./closing.ts";
import { ComposedNode } from "./composed-node.ts";
import { shareDescriptors } from "./descriptors.ts";
import { DiskReserve } from "./disk-reserve.ts";
import { Functions } from "./functions.ts";
import { loadModules } from "./load-modules.ts";
import { NodeMessages } from "./messages.ts";
import { declareCommitMetric, declareDiskMetric, declarePartitionMetrics } from "./metrics.ts";
import type { Listening, NodeOptions, RunningNode } from "./options.ts";
import { Partitions } from "./partitions.ts";
import { NodeReport } from "./report.ts";
import { openStorage, type Storage } from "./storage.ts";
import { NodeTopics } from "./topics.ts";
import { Watch } from "./watch.ts";

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
  const { logger, host, dataDir, acceptLoss, application = DEFAULT_APPLICATION } = options;
  const module = await loadModules(options, logger);
  const storage = await open({ dataDir, application, partitions: options.partitions, acceptLoss });
  closing.add(() => storage.close());
  if (storage.isNew && storage.dataDir !== undefined) {
    // Where a disk is not mounted, its folder looks like this.
    logger.warn(
      { dataDir: storage.dataDir },
      "The data directory is new: nothing was here before.",
    );
  }
  const report = reportTo(logger);
  const { maxConnections, maxOpenFiles } = shareDescriptors({
    maxConnections: GATEWAY_LIMITS.maxConnections,
    maxOpenFiles: resolveOptions({}).maxOpenFiles,
  });
  const log = await openLog(storage, options, report, maxOpenFiles, closing);
  const functions = await Functions.open(module.endpoints);
  closing.add(() => functions.close());
  const listening: Listening[] = [];
  const egresses = openEgresses(module, host, log, report);
  for (const { egress } of egresses) {
    await egress.start();
    closing.add(() => egress.stop());
    if (egress instanceof PlaygroundEgress) {
      listening.push({ name: "playground egress", url: urlOf(host, egress.port) });
    }
  }
  const egressById = new Map(egresses.map(({ egress }) => [egress.id, egress]));
  const metrics = new MetricsRegistry();
  const stopProcessMetrics = declareProcessMetrics(metrics);
  closing.add(async () => stopProcessMetrics());
  const ended = deferred<StatefoldError | undefined>();
  const ingresses: { kind: string; ingress: Ingress }[] = [];
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
    onEnded: (error) => {
      nodeReport.phase = { kind: "failed", error };
      ended.resolve(error);
    },
  });
  const nodeReport = new NodeReport({
    ...{ application, dataDir: storage.dataDir, partitions, functions, metrics },
    ...{ ingresses, egresses },
  });
  closing.add(() => partitions.stop());
  await reserve.start();
  await partitions.open();
  declareDiskMetric(metrics, reserve);
  declarePartitionMetrics(metrics, partitions);
  const messages = new NodeMessages(partitions);
  ingresses.push(...openIngresses(module, log, report));
  for (const { ingress } of ingresses) {
    await ingress.start(partitions);
    closing.add(() => ingress.stop());
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

function openEgresses(
  module: Module,
  host: string,
  log: TopicLog,
  report: Report,
): { kind: string; egress: Egress }[] {
  return module.egresses.map((spec) => ({
    kind: spec.kind,
    egress: openEgress(spec, host, log, report),
  }));
}

function openEgress(spec: EgressSpec, host: string, log: TopicLog, report: Report): Egress {
  const { id } = spec;
  if (spec.kind === "log") return new LogEgress({ id, log, report });
  if (spec.kind === "playground") {
    const { port, topics } = spec;
    return new PlaygroundEgress({ id, host, port, topics, report });
  }
  throw new StatefoldError(
    "MODULE_UNSUPPORTED",
    `egress ${id} of kind ${spec.kind} cannot be run yet`,
  );
}

function openIngresses(
  module: Module,
  log: TopicLog,
  report: Report,
): { kind: string; ingress: Ingress }[] {
  return module.ingresses.flatMap((spec) =>
    spec.kind === "log"
      ? [{ kind: spec.kind, ingress: new LogIngress({ settings: spec, log, report }) }]
      : [],
  );
}

function openPlaygrounds(
  module: Module,
  host: string,
  messages: NodeMessages,
  report: Report,
): PlaygroundIngress[] {
  return module.ingresses.flatMap((spec) => {
    if (spec.kind !== "playground") return [];
    const send = async (message: RoutedMessage) => {
      await messages.send({ ...message, delayMs: 0, idempotencyKey: undefined });
    };
    return [new PlaygroundIngress({ host, port: spec.port, send, report })];
  });
}

function urlOf(host: string, port: number | undefined): string {
  return `http://${host.includes(":") ? `[${host}]` : host}:${port ?? 0}`;
}

function reportTo(logger: Logger): Report {
  return (level, message, fields) => logger[level](fields ?? {}, message);
}
