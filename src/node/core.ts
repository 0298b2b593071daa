/** The partitions of a node, between its ways in and the egresses they publish to. */
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { type Deferred, deferred } from "../base/deferred.ts";
import type { StatefoldError } from "../base/errors.ts";
import { IntentFiles } from "../egress/kafka-intent-files.ts";
import type { MarkerOwner } from "../egress/kafka-marker.ts";
import { DEFAULT_LIMITS } from "../partition/limits.ts";
import type { Directory, EgressBinding } from "../partition/ports.ts";
import type { Closing } from "./closing.ts";
import { DiskReserve } from "./disk-reserve.ts";
import { EgressFigures } from "./egress-figures.ts";
import type { Ground } from "./ground.ts";
import { declareCommitMetric, declareDiskMetric, declarePartitionMetrics } from "./metrics.ts";
import { Partitions } from "./partitions.ts";
import { NodeReport } from "./report.ts";
import { declareSnapshotMetrics } from "./snapshot-metrics.ts";
import type { OpenedIngress } from "./ways-in.ts";
import { type OpenedEgress, openEgresses } from "./ways-out.ts";

export interface Core {
  readonly partitions: Partitions;
  readonly egresses: readonly OpenedEgress[];
  /** Filled as they are opened: those that go on from a position, to be rewound when a partition reopens. */
  readonly ingresses: OpenedIngress[];
  readonly report: NodeReport;
  /** Why nothing new is taken in; undefined while it is. */
  readonly held: () => string | undefined;
  /** Resolved when a partition cannot go on. */
  readonly ended: Deferred<StatefoldError | undefined>;
}

export async function openCore(ground: Ground, closing: Closing): Promise<Core> {
  const { application, storage, snapshots, functions, metrics, logger } = ground;
  const egresses = await startEgresses(ground, closing);
  const egressById = new Map(egresses.map(({ egress }) => [egress.id, egress]));
  const bindings = new Map(
    egresses.map(({ egress, release }): [string, EgressBinding] => {
      return [egress.id, { check: (value) => egress.check(value), release }];
    }),
  );
  const figures = new EgressFigures(metrics, [...egressById.values()]);
  const ingresses: OpenedIngress[] = [];
  const ended = deferred<StatefoldError | undefined>();
  const reserve = new DiskReserve({
    measure: () => storage.space(),
    onRoom: () => partitions.offerSources(),
    logger,
  });
  closing.add(async () => reserve.stop());
  const held = () => reserve.reason;
  const directory: Directory = {
    function: (type) => functions.binding(type),
    egress: (id) => bindings.get(id),
  };
  const partitions = new Partitions(storage.partitionCount, {
    ...{ application, storage, directory, limits: DEFAULT_LIMITS, egresses: egressById, logger },
    held,
    invoke: (invocation, signal) => functions.invoke(invocation, signal),
    onOpened: (index) => {
      for (const { ingress } of ingresses) ingress.rewind(index);
    },
    onIncarnation: (incarnation) => snapshots?.incarnated(incarnation) ?? Promise.resolve(),
    onCommit: declareCommitMetric(metrics),
    onCut:
      snapshots === undefined
        ? undefined
        : (partition, cut, snapshot) => snapshots.cut(partition, cut, snapshot),
    onPublished: (egress, elapsedMs, records) => figures.published(egress, elapsedMs, records),
    onEnded: (error) => fail(error),
  });
  const fail = (error: StatefoldError): void => {
    report.phase = { kind: "failed", error };
    ended.resolve(error);
  };
  const report = new NodeReport({
    ...{ application, dataDir: storage.dataDir, partitions, functions, metrics },
    ...{ ingresses, egresses, figures, snapshots },
  });
  closing.add(() => partitions.stop());
  await reserve.start();
  await partitions.open();
  if (snapshots !== undefined) {
    snapshots.start(partitions, ground.log, declareSnapshotMetrics(metrics), fail);
    // Before the partitions: what is being written reads from them.
    closing.add(() => snapshots.stop());
  }
  figures.declareHeld(egresses, partitions);
  declareDiskMetric(metrics, reserve);
  declarePartitionMetrics(metrics, partitions);
  return { partitions, egresses, ingresses, report, held, ended };
}

async function startEgresses(ground: Ground, closing: Closing): Promise<OpenedEgress[]> {
  const { options, application, module, storage, log, report } = ground;
  const { host, acceptLoss } = options;
  const owner: MarkerOwner = { data: storage.numbers, process: randomBytes(6).toString("hex") };
  const intents = new IntentFiles(join(storage.path, "egresses"));
  closing.add(() => intents.close());
  const kafka = { application, owner, intents, acceptLoss, report };
  const egresses = openEgresses(module, { host, log, kafka });
  for (const { egress } of egresses) {
    await egress.start();
    closing.add(() => egress.stop());
  }
  return egresses;
}
