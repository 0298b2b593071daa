/** What the node tells Prometheus of its partitions, each metric declared once. */

import {
  type HistogramDefinition,
  type MetricDefinition,
  type MetricsRegistry,
  SECONDS_BUCKETS,
} from "../telemetry/metrics.ts";
import type { FigureName } from "./figures.ts";
import type { Partitions } from "./partitions.ts";

const COMMIT_SECONDS: HistogramDefinition<never> = {
  name: "statefold_commit_seconds",
  unit: "seconds",
  description: "From the beginning of a commit until it is durable.",
  labels: [],
  buckets: SECONDS_BUCKETS,
};

type PartitionMetric = MetricDefinition<"partition">;

const gauge = (name: string, unit: string, description: string): PartitionMetric => ({
  name: `statefold_partition_${name}`,
  ...{ unit, description, labels: ["partition"] },
});

/** Read from the partition whenever someone looks. */
const GAUGES: readonly (readonly [PartitionMetric, FigureName])[] = [
  [gauge("pending_messages", "messages", "Mail that waits, parked mail included."), "mail"],
  [
    gauge(
      "pending_bytes",
      "bytes",
      "Bytes of the mail that waits, parked mail and what a start has not counted yet left out.",
    ),
    "unfinishedBytes",
  ],
  [gauge("timers", "messages", "Delayed messages that have not fired."), "timers"],
  [
    gauge("outbox_entries", "entries", "Effects that their destination has not acknowledged."),
    "outbox",
  ],
  [
    gauge("outbox_bytes", "bytes", "Bytes of the effects that were not acknowledged."),
    "outboxBytes",
  ],
  [gauge("dead_letters", "messages", "Messages and records that were given up."), "dead"],
  [gauge("parked_addresses", "addresses", "Addresses that wait for a person."), "parked"],
  [gauge("in_flight_invocations", "invocations", "Calls that have not come back."), "inFlight"],
  [gauge("state_cache_bytes", "bytes", "States held in memory."), "stateCacheBytes"],
  [gauge("mail_memory_bytes", "bytes", "Mail held in memory."), "mailMemoryBytes"],
  [
    gauge(
      "drift_messages",
      "messages",
      "Messages unaccounted for: 0, or a mistake of statefold's.",
    ),
    "drift",
  ],
];

const COUNTERS: readonly (readonly [PartitionMetric, FigureName])[] = [
  [
    gauge("accepted_messages_total", "messages", "Messages taken over, since the data began."),
    "accepted",
  ],
  [
    gauge("finished_messages_total", "messages", "Messages done, since the data began."),
    "finished",
  ],
  [gauge("epochs_total", "epochs", "Commits, since the data began."), "epochs"],
  [gauge("invocations_total", "invocations", "Calls of functions."), "invocations"],
  [gauge("handled_messages_total", "messages", "Messages that functions have handled."), "handled"],
  [
    gauge("failed_invocations_total", "invocations", "Calls that failed by the batch's fault."),
    "failed",
  ],
  [
    gauge("retried_invocations_total", "invocations", "Calls that failed by the endpoint's fault."),
    "retried",
  ],
  [
    gauge(
      "skipped_messages_total",
      "messages",
      "Messages given up without a trace, as their policy says.",
    ),
    "skipped",
  ],
  [
    gauge("dropped_replies_total", "replies", "Replies that nobody could take any more."),
    "droppedReplies",
  ],
];

const DISK_FREE: MetricDefinition<never> = {
  name: "statefold_disk_free_bytes",
  unit: "bytes",
  description:
    "Room on the file system of the data directory; near its end nothing new is taken in.",
  labels: [],
};

export function declareDiskMetric(
  registry: MetricsRegistry,
  reserve: { readonly freeBytes: number },
): void {
  const series = registry.gauge(DISK_FREE).labelled({} as Record<never, string>);
  series.from(() => reserve.freeBytes);
}

/** Returns what is to be called for each commit. */
export function declareCommitMetric(registry: MetricsRegistry): (elapsedMs: number) => void {
  const seconds = registry.histogram(COMMIT_SECONDS).labelled({} as Record<never, string>);
  return (elapsedMs) => seconds.observe(elapsedMs / 1000);
}

export function declarePartitionMetrics(registry: MetricsRegistry, partitions: Partitions): void {
  for (const seat of partitions.seats) {
    const labels = { partition: String(seat.index) };
    // While it is down a counter stands still: 0 would be taken for a new beginning.
    const counter = (name: FigureName) => {
      let last = 0;
      return () => {
        if (seat.phase === "running") last = seat.figure(name);
        return last;
      };
    };
    for (const [definition, name] of GAUGES) {
      registry
        .gauge(definition)
        .labelled(labels)
        .from(() => seat.figure(name));
    }
    for (const [definition, name] of COUNTERS) {
      registry.counter(definition).labelled(labels).from(counter(name));
    }
  }
}
