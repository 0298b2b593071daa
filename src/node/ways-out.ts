/** From the egresses of a module to running parts. */
import { StatefoldError } from "../base/errors.ts";
import type { Egress } from "../egress/contract.ts";
import { LogEgress } from "../egress/log.ts";
import { PlaygroundEgress } from "../egress/playground.ts";
import type { TopicLog } from "../log/topic-log.ts";
import type { Egress as EgressSpec, Module } from "../spec/module.ts";
import { type KafkaParts, openKafkaEgress } from "./kafka.ts";

/** What egresses are made of, whatever their kind. */
export interface WaysOut {
  /** Where the playground's egresses listen. */
  readonly host: string;
  readonly log: TopicLog;
  readonly kafka: KafkaParts;
}

export interface OpenedEgress {
  readonly kind: string;
  readonly egress: Egress;
  /** When its records leave. */
  readonly release: "commit" | "snapshot";
}

/** @throws StatefoldError CONFIG_INVALID, MODULE_UNSUPPORTED */
export function openEgresses(module: Module, parts: WaysOut): OpenedEgress[] {
  return module.egresses.map((spec) => {
    return { kind: spec.kind, egress: openEgress(spec, parts), release: releaseOf(spec) };
  });
}

/** When the records of an egress leave. */
export function releaseOf(spec: EgressSpec): "commit" | "snapshot" {
  return spec.kind === "kafka" || spec.kind === "log" ? spec.release : "commit";
}

function openEgress(spec: EgressSpec, { host, log, kafka }: WaysOut): Egress {
  const { id } = spec;
  const { report } = kafka;
  if (spec.kind === "kafka") return openKafkaEgress(spec, kafka);
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
