/** What the runtime is connected to while it is tortured: the built-in topic log, or something else. */
import { RuntimeClient } from "../../examples/billing/demo/topics.ts";

/** The topics as they are seen from outside, through crashes. */
export interface OutsideTopics {
  /** What the topic holds now: in its order for each key. Empty where there is no such topic yet. */
  read(topic: string): Promise<readonly { readonly key: string; readonly value: unknown }[]>;
}

export interface Variant {
  /** Of `statefold run`, beside the module, `--data`, `--port` and `--partitions`. */
  readonly args: readonly string[];
  /** The documents of ingress and egress, `torture/adds` and `torture/topics`. */
  readonly connections: string;
  /** Where a record for the counters is posted, at the runtime's own URL. */
  writePath(key: string): string;
  open(runtimeUrl: string, signal: AbortSignal): OutsideTopics;
}

export const topicLog: Variant = {
  args: ["--embedded"],
  connections: `
kind: io.statefun.kafka.v1/ingress
spec:
  id: torture/adds
  address: localhost:9092
  consumerGroupId: torture
  startupPosition: { type: earliest }
  topics:
    - { topic: adds, valueType: torture/Add, targets: [torture/counter] }
---
kind: io.statefun.kafka.v1/egress
spec:
  id: torture/topics
  address: localhost:9092
  deliverySemantic: { type: exactly-once, transactionTimeout: 1min }
`,
  writePath: (key) => `/v1/topics/adds?key=${key}`,
  open: (url, signal) => new RuntimeClient(url, signal),
};

/** The whole module.yaml. */
export function moduleOf(variant: Variant, ports: { counters: number; mirrors: number }): string {
  const endpoint = (functions: string, port: number) => `kind: io.statefun.endpoints.v2/http
spec:
  functions: ${functions}
  urlPathTemplate: http://127.0.0.1:${port}/
---
`;
  return (
    endpoint("torture/counter", ports.counters) +
    endpoint("torture/mirror", ports.mirrors) +
    endpoint("torture/ledger", ports.mirrors) +
    variant.connections.trimStart()
  );
}
