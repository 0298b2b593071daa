/** From what a module says of Kafka to running parts. */
import { describeError, StatefoldError } from "../base/errors.ts";
import type { Report } from "../base/report.ts";
import { KafkaEgress } from "../egress/kafka.ts";
import type { Intents } from "../egress/kafka-intent.ts";
import type { MarkerOwner } from "../egress/kafka-marker.ts";
import { KafkaIngress, type KafkaIngressOptions } from "../ingress/kafka.ts";
import { BrokerCluster } from "../kafka/cluster.ts";
import { consumerSettings, parseBootstrap, producerSettings } from "../kafka/properties.ts";
import type {
  KafkaEgress as KafkaEgressSpec,
  KafkaIngress as KafkaIngressSpec,
  Place,
} from "../spec/module.ts";
import { sleep } from "./sleep.ts";

export interface KafkaParts {
  readonly application: string;
  /** This node's life, on its data. */
  readonly owner: MarkerOwner;
  readonly intents: Intents;
  readonly acceptLoss: boolean;
  readonly report: Report;
}

/** @throws StatefoldError CONFIG_INVALID for an address or a property that is understood and wrong */
export function openKafkaIngress(
  spec: KafkaIngressSpec,
  options: Omit<KafkaIngressOptions, "settings"> & { readonly clientId: string },
): KafkaIngress {
  const { id, place, address, properties } = spec;
  // Looked at by the ingress itself as it starts, when others have begun already.
  at(place, id, () => {
    parseBootstrap(address);
    consumerSettings(properties, options.clientId);
  });
  return new KafkaIngress({ ...options, settings: spec });
}

/** @throws StatefoldError CONFIG_INVALID for an address or a property that is understood and wrong */
export function openKafkaEgress(spec: KafkaEgressSpec, parts: KafkaParts): KafkaEgress {
  const { id, place, address, properties, delivery } = spec;
  const { application, owner, intents, acceptLoss, report } = parts;
  return at(place, id, () => {
    const bootstrap = parseBootstrap(address);
    const { settings, warnings } = producerSettings(properties, `statefold-${application}`);
    for (const warning of warnings) report("warn", `${textOf(place)} ${id}: ${warning}`);
    return new KafkaEgress({
      ...{ id, delivery, settings, application, owner, intents, acceptLoss, report, sleep },
      connect: () => new BrokerCluster({ ...settings, bootstrap }),
      nowMs: Date.now,
      random: Math.random,
    });
  });
}

/** With where in the module it stands. */
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
