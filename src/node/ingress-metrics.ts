/** What the node tells Prometheus of its ingresses. */
import type { Ingress } from "../ingress/contract.ts";
import {
  type HistogramDefinition,
  type MetricDefinition,
  type MetricsRegistry,
  SECONDS_BUCKETS,
} from "../telemetry/metrics.ts";

const LAG: MetricDefinition<"ingress" | "topic" | "partition"> = {
  name: "statefold_ingress_lag_records",
  unit: "records",
  description: "Records of a topic's partition that are behind the position of the ingress.",
  labels: ["ingress", "topic", "partition"],
};

const FETCH_SECONDS: HistogramDefinition<"ingress"> = {
  name: "statefold_kafka_fetch_seconds",
  unit: "seconds",
  description: "From asking a Kafka broker for records until some had come.",
  labels: ["ingress"],
  buckets: SECONDS_BUCKETS,
};

/** Sources come while the node runs, so they are asked for whenever someone looks. */
export function declareLagMetric(
  registry: MetricsRegistry,
  ingresses: () => readonly Ingress[],
): void {
  const gauge = registry.gauge(LAG);
  registry.beforeRender(() => {
    for (const ingress of ingresses()) {
      for (const { source, lag } of ingress.sources()) {
        if (lag === undefined) continue;
        const [topic = "", partition = ""] = source.split("/").slice(-2);
        gauge.labelled({ ingress: ingress.id, topic, partition }).set(lag);
      }
    }
  });
}

/** Returns what is to be called for each fetch that brought something. */
export function declareFetchMetric(
  registry: MetricsRegistry,
  ingress: string,
): (elapsedMs: number) => void {
  const seconds = registry.histogram(FETCH_SECONDS).labelled({ ingress });
  return (elapsedMs) => seconds.observe(elapsedMs / 1000);
}
