/** The processes between two topics: a broker, the runtime, two of functions. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Broker, brokerIn } from "../../support/kafka/broker.ts";
import { freePort, Script } from "../../support/process.ts";
import { Subject } from "../subject.ts";
import { IN, OUT } from "./messages.ts";

export interface Stage {
  readonly broker: Broker;
  readonly brokerSubject: Subject;
  readonly functions: readonly Subject[];
  readonly runtime: Subject;
  /** Another, on a folder of its own. */
  successor(dataDir: string): Promise<Subject>;
  readonly dataDir: string;
}

export interface StageOptions {
  readonly folder: string;
  readonly partitions: number;
  readonly threads: number;
  readonly ids: number;
  /** As in module.yaml. */
  readonly transactionTimeout: string;
  /** Of the broker, `NAME=VALUE`. */
  readonly property?: string | undefined;
}

interface ModuleOptions extends Pick<StageOptions, "transactionTimeout"> {
  /** When records leave. Default "commit". */
  readonly release?: "commit" | "snapshot";
}

const READY_TIMEOUT_MS = 180_000;

export async function setStage(options: StageOptions): Promise<Stage> {
  const { folder, partitions, threads, ids } = options;
  const kafka = join(folder, "kafka");
  mkdirSync(kafka);
  const [name = "", value = ""] = options.property?.split("=") ?? [];
  const broker = await brokerIn(kafka, name === "" ? {} : { properties: { [name]: value } });
  const counters = await functionsProcess("counters", ids);
  const mirrors = await functionsProcess("mirrors", ids);
  const module = join(folder, "module.yaml");
  writeFileSync(module, moduleOf(options, broker, counters.script.port, mirrors.script.port));
  const newRuntime = async (name: string, dataDir: string) =>
    new Subject(name, await runtimeOn(module, dataDir, { partitions, threads }));
  const dataDir = join(folder, "data");
  return {
    ...{ broker, dataDir, brokerSubject: new Subject("broker", broker.script) },
    functions: [counters, mirrors],
    runtime: await newRuntime("runtime", dataDir),
    successor: (elsewhere) => newRuntime("successor", elsewhere),
  };
}

async function runtimeOn(
  module: string,
  dataDir: string,
  { partitions, threads }: Pick<StageOptions, "partitions" | "threads">,
): Promise<Script> {
  return new Script(
    {
      script: new URL("../../../src/cli/main.js", import.meta.url),
      args: (port) => [
        ...["run", module, "--data", dataDir, "--port", String(port), "--log-level", "warn"],
        ...["--partitions", String(partitions), "--threads", String(threads)],
      ],
      ready: /^ready$/m,
      readyTimeoutMs: READY_TIMEOUT_MS,
    },
    await freePort(),
  );
}

export async function functionsProcess(
  which: "counters" | "mirrors",
  ids: number,
): Promise<Subject> {
  const script = new Script(
    {
      script: new URL("../scripts/kafka-functions.js", import.meta.url),
      args: (port) => [String(port), which, String(ids)],
      ready: /serving/,
      readyTimeoutMs: READY_TIMEOUT_MS,
    },
    await freePort(),
  );
  return new Subject(which, script);
}

export const moduleOf = (
  { transactionTimeout, release = "commit" }: ModuleOptions,
  { address }: Broker,
  counters: number,
  mirrors: number,
): string => `
kind: io.statefun.endpoints.v2/http
spec: { functions: shop/counter, urlPathTemplate: "http://127.0.0.1:${counters}/" }
---
kind: io.statefun.endpoints.v2/http
spec: { functions: shop/mirror, urlPathTemplate: "http://127.0.0.1:${mirrors}/" }
---
kind: io.statefun.kafka.v1/ingress
spec:
  id: shop/in
  address: ${address}
  consumerGroupId: shop
  startupPosition: { type: earliest }
  topics:
    - { topic: ${IN}, valueType: shop/Order, targets: [shop/counter] }
---
kind: io.statefun.kafka.v1/egress
spec:
  id: shop/${OUT}
  address: ${address}
  deliverySemantic: { type: exactly-once, transactionTimeout: ${transactionTimeout} }
  release: ${release}
`;
