/** From what a module says of Kafka to running parts. */
import { describeError, StatefoldError } from "../base/errors.ts";
import type { Report } from "../base/report.ts";
import { KafkaEgress } from "../egress/kafka.ts";
import type { MarkerOwner } from "../egress/kafka-marker.ts";
import { BrokerCluster } from "../kafka/cluster.ts";
import { parseBootstrap, producerSettings } from "../kafka/properties.ts";
import type { KafkaEgress as KafkaEgressSpec, Place } from "../spec/module.ts";
import { sleep } from "./sleep.ts";

export interface KafkaParts {
  readonly application: string;
  /** This node's life, on its data. */
  readonly owner: MarkerOwner;
  readonly acceptLoss: boolean;
  readonly report: Report;
}

/** @throws StatefoldError CONFIG_INVALID for an address or a property that is understood and wrong */
export function openKafkaEgress(spec: KafkaEgressSpec, parts: KafkaParts): KafkaEgress {
  const { id, place, address, properties, delivery } = spec;
  const { application, owner, acceptLoss, report } = parts;
  return at(place, id, () => {
    const bootstrap = parseBootstrap(address);
    const { settings, warnings } = producerSettings(properties, `statefold-${application}`);
    for (const warning of warnings) report("warn", `${textOf(place)} ${id}: ${warning}`);
    return new KafkaEgress({
      ...{ id, delivery, settings, application, owner, acceptLoss, report, sleep },
      connect: () => new BrokerCluster({ ...settings, bootstrap }),
      nowMs: Date.now,
      random: Math.random,
    });
  });
}

function at<T>(place: Place, id: string, open: () => T): T {
  try {
    return open();
  } catch (error) {
    if (!(error instanceof StatefoldError)) throw error;
    throw new StatefoldError(error.code, `${textOf(place)} ${id}: ${describeError(error)}`, {
      cause: error.cause,
    });
  }
}

const textOf = ({ file, line, column }: Place): string => `${file}:${line}:${column}`;
