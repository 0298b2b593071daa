/** Where the partitions of a node sit: on this thread, or spread over others. */
import type { TransactionCounts } from "../egress/contract.ts";
import { DEFAULT_LIMITS } from "../partition/limits.ts";
import type { Closing } from "./closing.ts";
import { directoryOf } from "./directory.ts";
import { Functions } from "./functions.ts";
import type { Ground } from "./ground.ts";
import { openHosts } from "./hosts.ts";
import type { PartitionHostOptions } from "./partition-host.ts";
import type { Seat } from "./seat.ts";
import { declareThreadMetrics } from "./threads/metrics.ts";
import { Threads } from "./threads/threads.ts";
import type { OpenedEgress } from "./ways-out.ts";

export interface SeatsOptions
  extends Pick<
    PartitionHostOptions,
    "onIncarnation" | "onOpened" | "onCommit" | "onCut" | "onPublished" | "onEnded"
  > {
  readonly egresses: readonly OpenedEgress[];
  /** Why the node takes nothing in; undefined while it does. */
  readonly held: () => string | undefined;
}

export interface OpenedSeats {
  /** By partition; none is open. */
  readonly seats: readonly Seat[];
  /** Before the partitions are opened. */
  begin(): Promise<void>;
  /** How the transactions of an egress have ended so far. */
  transactions(egress: string): TransactionCounts;
}

export async function openSeats(
  ground: Ground,
  options: SeatsOptions,
  closing: Closing,
): Promise<OpenedSeats> {
  return ground.threads === 1
    ? await openHere(ground, options, closing)
    : openOnThreads(ground, options, closing);
}

async function openHere(
  { application, storage, module, logger }: Ground,
  { egresses: opened, ...options }: SeatsOptions,
  closing: Closing,
): Promise<OpenedSeats> {
  const functions = await Functions.open(module.endpoints);
  closing.add(() => functions.close());
  const egresses = new Map(opened.map(({ egress }) => [egress.id, egress]));
  const all = Array.from({ length: storage.partitionCount }, (_, index) => index);
  const seats = openHosts(all, {
    ...{ ...options, application, storage, limits: DEFAULT_LIMITS, egresses, logger },
    directory: directoryOf(functions, opened),
    invoke: (invocation, signal, end) => functions.invoke(invocation, signal, end),
    onFrames: () => functions.onFrames(),
  });
  const transactions = (id: string): TransactionCounts => {
    const egress = egresses.get(id);
    return egress?.transactions ?? NONE;
  };
  return { seats, begin: async () => {}, transactions };
}

const NONE: TransactionCounts = { committed: 0, aborted: 0 };

function openOnThreads(ground: Ground, options: SeatsOptions, closing: Closing): OpenedSeats {
  const { application, storage, module, log, kafka, logger, metrics } = ground;
  const { egresses: opened, ...rest } = options;
  const threads = new Threads({
    ...{ ...rest, logger, count: ground.threads },
    egresses: new Map(opened.map(({ egress }) => [egress.id, egress])),
    setup: {
      ...{ application, module, kafka, storage: storage.share },
      maxRecordBytes: log.maxRecordBytes,
      takesSnapshots: options.onCut !== undefined,
    },
  });
  closing.add(() => threads.stop());
  declareThreadMetrics(metrics, threads.figures);
  const places = new Map(module.egresses.map(({ id }, i) => [id, i]));
  const transactions = (id: string): TransactionCounts => {
    const sum = { ...NONE };
    for (const figures of threads.figures) {
      const { committed, aborted } = figures.transactions(places.get(id) ?? 0);
      sum.committed += committed;
      sum.aborted += aborted;
    }
    return sum;
  };
  return { seats: threads.seats, begin: () => threads.begin(), transactions };
}
