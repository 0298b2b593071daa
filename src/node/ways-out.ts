/** From the egresses of a module to running parts. */
import { StatefoldError } from "../base/errors.ts";
import type { Egress } from "../egress/contract.ts";
import { LogEgress } from "../egress/log.ts";
import { PlaygroundEgress } from "../egress/playground.ts";
import type { TopicLog } from "../log/topic-log.ts";
import type { Egress as EgressSpec, Module } from "../spec/module.ts";
import type { KafkaParts } from "./kafka.ts";

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
export async function openEgresses(module: Module, parts: WaysOut): Promise<OpenedEgress[]> {
  const opened: OpenedEgress[] = [];
  for (const spec of module.egresses) {
    const egress = await openEgress(spec, parts);
    opened.push({ kind: spec.kind, egress, release: releaseOf(spec) });
  }
  return opened;
}

/** When the records of an egress leave. */
export function releaseOf(spec: EgressSpec): "commit" | "snapshot" {
  return spec.kind === "kafka" || spec.kind === "log" ? spec.release : "commit";
}

async function openEgress(spec: EgressSpec, { host, log, kafka }: WaysOut): Promise<Egress> {
  const { id } = spec;
  const { report } = kafka;
  if (spec.kind === "kafka") {
    const { openKafkaEgress } = await import("./kafka.ts");
    return openKafkaEgress(spec, kafka);
  }
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
