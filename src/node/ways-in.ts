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
import { openKafkaIngress } from "./kafka.ts";
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
export function openIngresses(
  module: Module,
  { application: clientId, log, metrics, report, commitsOffsets }: WaysIn,
): OpenedIngress[] {
  return module.ingresses.flatMap((spec): OpenedIngress[] => {
    const { kind, id } = spec;
    if (spec.kind === "log") {
      return [{ kind, ingress: new LogIngress({ settings: spec, log, report }) }];
    }
    if (spec.kind !== "kafka") return [];
    const onFetched = declareFetchMetric(metrics, id);
    const options = { clientId, onFetched, report, commitsOffsets };
    return [{ kind, ingress: openKafkaIngress(spec, options) }];
  });
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
