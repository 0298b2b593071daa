import type { TakenSnapshot } from "../snapshot/coordinator.ts";
import {
  type HistogramDefinition,
  type MetricDefinition,
  type MetricsRegistry,
  SECONDS_BUCKETS,
} from "../telemetry/metrics.ts";

const TAKEN: MetricDefinition<"outcome"> = {
  name: "statefold_snapshots_total",
  unit: "snapshots",
  description: "Snapshots that are complete, or were abandoned.",
  labels: ["outcome"],
};

const WRITTEN: MetricDefinition<never> = {
  name: "statefold_snapshot_written_bytes_total",
  unit: "bytes",
  description: "What complete snapshots have added to the blob store.",
  labels: [],
};

const BARRIER: MetricDefinition<never> = {
  name: "statefold_snapshot_barrier",
  unit: "number",
  description: "The number of the last complete snapshot; 0: none since the start.",
  labels: [],
};

const SECONDS: HistogramDefinition<never> = {
  name: "statefold_snapshot_seconds",
  unit: "seconds",
  description: "From the announcement of a snapshot until it is complete.",
  labels: [],
  buckets: SECONDS_BUCKETS,
};

export interface SnapshotMetrics {
  completed(snapshot: TakenSnapshot): void;
  abandoned(): void;
}

export function declareSnapshotMetrics(registry: MetricsRegistry): SnapshotMetrics {
  const none = {} as Record<never, string>;
  const counts = { complete: 0, abandoned: 0, writtenBytes: 0, barrier: 0 };
  for (const outcome of ["complete", "abandoned"] as const) {
    registry
      .counter(TAKEN)
      .labelled({ outcome })
      .from(() => counts[outcome]);
  }
  registry
    .counter(WRITTEN)
    .labelled(none)
    .from(() => counts.writtenBytes);
  registry
    .gauge(BARRIER)
    .labelled(none)
    .from(() => counts.barrier);
  const seconds = registry.histogram(SECONDS).labelled(none);
  return {
    completed({ manifest, writtenBytes, elapsedMs }) {
      counts.complete++;
      counts.writtenBytes += writtenBytes;
      counts.barrier = manifest.barrier;
      seconds.observe(elapsedMs / 1000);
    },
    abandoned() {
      counts.abandoned++;
    },
  };
}
