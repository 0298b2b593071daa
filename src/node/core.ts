/** The partitions of a node, between its ways in and the egresses they publish to. */
import { type Deferred, deferred } from "../base/deferred.ts";
import type { StatefoldError } from "../base/errors.ts";
import type { Closing } from "./closing.ts";
import { DiskReserve } from "./disk-reserve.ts";
import { EgressFigures } from "./egress-figures.ts";
import { named } from "./functions.ts";
import type { Ground } from "./ground.ts";
import { declareCommitMetric, declareDiskMetric, declarePartitionMetrics } from "./metrics.ts";
import { Partitions } from "./partitions.ts";
import { NodeReport } from "./report.ts";
import { openSeats } from "./seats.ts";
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
  const { application, storage, snapshots, metrics, logger } = ground;
  const egresses = await startEgresses(ground, closing);
  const ingresses: OpenedIngress[] = [];
  const ended = deferred<StatefoldError | undefined>();
  const reserve = new DiskReserve({
    measure: () => storage.space(),
    onRoom: () => partitions.offerSources(),
    logger,
  });
  closing.add(async () => reserve.stop());
  const held = () => reserve.reason;
  const fail = (error: StatefoldError): void => {
    report.phase = { kind: "failed", error };
    ended.resolve(error);
  };
  const seats = await openSeats(
    ground,
    {
      ...{ egresses, held },
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
    },
    closing,
  );
  const figures = new EgressFigures(metrics, egresses, seats.transactions);
  const partitions = new Partitions(seats.seats);
  const report = new NodeReport({
    ...{ application, dataDir: storage.dataDir, partitions, metrics },
    ...{ ingresses, egresses, figures, snapshots, endpoints: named(ground.module.endpoints) },
  });
  closing.add(() => partitions.stop());
  await reserve.start();
  await seats.begin();
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
  const { options, module, log, report } = ground;
  const kafka = { ...ground.kafka, report };
  const egresses = await openEgresses(module, { host: options.host, log, kafka });
  for (const { egress } of egresses) {
    await egress.start();
    closing.add(() => egress.stop());
  }
  return egresses;
}
