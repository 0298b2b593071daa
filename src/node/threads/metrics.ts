/** What the node tells Prometheus of its threads, besides the one that everything goes through. */
import type { MetricDefinition, MetricsRegistry } from "../../telemetry/metrics.ts";
import type { ThreadFigures } from "./thread-figures.ts";

const HEAP: MetricDefinition<"thread"> = {
  name: "statefold_thread_heap_used_bytes",
  unit: "bytes",
  description: "JavaScript heap in use of a thread of partitions (--threads).",
  labels: ["thread"],
};

const DELAY: MetricDefinition<"thread"> = {
  name: "statefold_thread_event_loop_delay_max_seconds",
  unit: "seconds",
  description: "The longest delay of the event loop of a thread of partitions since the last look.",
  labels: ["thread"],
};

/** @param figures by the numbers of the threads */
export function declareThreadMetrics(
  registry: MetricsRegistry,
  figures: readonly ThreadFigures[],
): void {
  for (const [number, of] of figures.entries()) {
    const labels = { thread: String(number) };
    registry
      .gauge(HEAP)
      .labelled(labels)
      .from(() => of.heapBytes);
    registry
      .gauge(DELAY)
      .labelled(labels)
      .from(() => of.takeDelaySeconds());
  }
}
