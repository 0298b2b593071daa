/** From the ingresses of a module to running parts. */
import type { Report } from "../base/report.ts";
import type { Ingress } from "../ingress/contract.ts";
import { LogIngress } from "../ingress/log.ts";
import { PlaygroundIngress } from "../ingress/playground.ts";
import type { TopicLog } from "../log/topic-log.ts";
import type { RoutedMessage } from "../model/source.ts";
import type { Module } from "../spec/module.ts";
import type { MetricsRegistry } from "../telemetry/metrics.ts";
import { declareFetchMetric } from "./ingress-metrics.ts";
import type { NodeMessages } from "./messages.ts";

/** What ingresses are made of, whatever their kind. */
export interface WaysIn {
  readonly application: string;
  /** Consumer groups are told how far was read. */
  readonly commitsOffsets: boolean;
  readonly log: TopicLog;
  readonly metrics: MetricsRegistry;
  readonly report: Report;
}

export interface OpenedIngress {
  readonly kind: string;
  readonly ingress: Ingress;
}

/** Those that remember where they are: all but the playground's. */
export async function openIngresses(
  module: Module,
  { application: clientId, log, metrics, report, commitsOffsets }: WaysIn,
): Promise<OpenedIngress[]> {
  const opened: OpenedIngress[] = [];
  for (const spec of module.ingresses) {
    const { kind, id } = spec;
    if (spec.kind === "log") {
      opened.push({ kind, ingress: new LogIngress({ settings: spec, log, report }) });
    } else if (spec.kind === "kafka") {
      const { openKafkaIngress } = await import("./kafka.ts");
      const onFetched = declareFetchMetric(metrics, id);
      const options = { clientId, onFetched, report, commitsOffsets };
      opened.push({ kind, ingress: openKafkaIngress(spec, options) });
    }
  }
  return opened;
}

/** @param host where they listen */
export function openPlaygrounds(
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
