import type { Egress, Ingress, Module } from "./module.ts";

/**
 * The same module with its Kafka ingresses and egresses bound to the embedded topic log: same ids,
 * topics, targets, `onInvalid` and `release`. What only a broker needs is left behind: its address, its
 * properties, the consumer group, and the delivery semantic, since the log is always exactly-once.
 *
 * Every startup position becomes `earliest`. The others say how much of a history that is older than
 * the application is passed over. The log has no such history: it is born with the node, so a record
 * written while the node came up, or before an ingress was added, is one its writer expects to be read.
 * Offsets and dates of a broker's topic mean nothing in it.
 */
export function embedKafka(module: Module): Module {
  return {
    endpoints: module.endpoints,
    ingresses: module.ingresses.map(embedIngress),
    egresses: module.egresses.map(embedEgress),
  };
}

function embedIngress(ingress: Ingress): Ingress {
  if (ingress.kind !== "kafka") return ingress;
  const { place, id, topics, onInvalid } = ingress;
  return { kind: "log", place, id, topics, onInvalid, startupPosition: { type: "earliest" } };
}

function embedEgress(egress: Egress): Egress {
  if (egress.kind !== "kafka") return egress;
  const { place, id, release } = egress;
  return { kind: "log", place, id, release };
}
