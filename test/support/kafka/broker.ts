import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import { atEnd, type Scope } from "../cleanup.ts";
import { freePort, Script } from "../process.ts";
import { tempDir } from "../temp.ts";
import { kafkaLibraries } from "./libraries.ts";

export interface BrokerOptions {
  /** Further lines of server.properties. */
  readonly properties?: Readonly<Record<string, string>>;
  /** Further listeners by name, in capitals, with their protocol, such as `{ INNER: "SASL_SSL" }`. */
  readonly listeners?: Readonly<Record<string, string>>;
  /** Further words for the tool that makes the data folder. */
  readonly format?: readonly string[];
}

/** A real broker of one node. */
export interface Broker {
  /** `host:port`. */
  readonly address: string;
  readonly host: string;
  readonly port: number;
  /** `host:port` of each listener, by name. */
  readonly listeners: ReadonlyMap<string, string>;
  /** For kill, stop, restart: the address and the data stay. */
  readonly script: Script;
}

/** Enough for tests, and the just-in-time compiler must not take a core for itself. */
const JVM = [
  ...["-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"],
  "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
];

/**
 * Starts a broker from packages, on free ports and in a folder of its own; it ends with the test. Takes
 * 3 to 6 s, the first time on a machine a quarter of a minute more.
 */
export async function startBroker(t: Scope, options: BrokerOptions = {}): Promise<Broker> {
  const broker = await prepareBroker(tempDir(t), options);
  atEnd(t, () => broker.script.kill());
  await broker.script.start();
  return broker;
}

/** The same, to be started, and to be ended, by whoever asks. */
export async function prepareBroker(folder: string, options: BrokerOptions = {}): Promise<Broker> {
  const jars = await kafkaLibraries();
  const config = join(folder, "server.properties");
  const controllerPort = await freePort();
  const port = await freePort();
  const listeners: Listener[] = [
    { name: "PLAINTEXT", protocol: "PLAINTEXT", port },
    { name: "CONTROLLER", protocol: "PLAINTEXT", port: controllerPort },
  ];
  for (const [name, protocol] of Object.entries(options.listeners ?? {})) {
    listeners.push({ name, protocol, port: await freePort() });
  }
  const properties = { ...standard(folder, listeners), ...options.properties };
  const lines = Object.entries(properties).map(([name, value]) => `${name}=${value}\n`);
  writeFileSync(config, lines.join(""));
  const java = [...JVM, "-cp", join(jars, "*")];
  const format = [
    "kafka.tools.StorageTool",
    "format",
    "-t",
    CLUSTER,
    "-c",
    config,
    ...(options.format ?? []),
  ];
  await promisify(execFile)("java", [...java, ...format]);
  const [first = "", ...others] = [...java, "kafka.Kafka", config];
  const ready = () => answers(port);
  const script = new Script(
    { program: "java", script: first, args: others, ready, readyTimeoutMs: 180_000 },
    port,
  );
  const host = "127.0.0.1";
  const addresses = new Map(listeners.map((one) => [one.name, `${host}:${one.port}`]));
  return { address: `${host}:${port}`, host, port, listeners: addresses, script };
}

const CLUSTER = "MkU3OEVBNTcwNTJENDM2Qg";

interface Listener {
  readonly name: string;
  readonly protocol: string;
  readonly port: number;
}

const isController = ({ name }: Listener): boolean => name === "CONTROLLER";

const urls = (listeners: readonly Listener[]): string =>
  listeners.map(({ name, port }) => `${name}://127.0.0.1:${port}`).join(",");

const standard = (folder: string, listeners: readonly Listener[]) => ({
  "process.roles": "broker,controller",
  "node.id": "1",
  "controller.quorum.voters": `1@127.0.0.1:${listeners.find(isController)?.port}`,
  listeners: urls(listeners),
  "advertised.listeners": urls(listeners.filter((one) => !isController(one))),
  "controller.listener.names": "CONTROLLER",
  "listener.security.protocol.map": listeners.map((o) => `${o.name}:${o.protocol}`).join(","),
  "log.dirs": join(folder, "data"),
  "auto.create.topics.enable": "false",
  "offsets.topic.replication.factor": "1",
  "offsets.topic.num.partitions": "4",
  "transaction.state.log.replication.factor": "1",
  "transaction.state.log.min.isr": "1",
  "transaction.state.log.num.partitions": "4",
  "share.coordinator.state.topic.replication.factor": "1",
  "share.coordinator.state.topic.min.isr": "1",
  "group.initial.rebalance.delay.ms": "0",
  "group.min.session.timeout.ms": "1000",
  "log.cleaner.dedupe.buffer.size": "8388608",
});

/** An ApiVersions request, version 0, of the client "up". */
const API_VERSIONS = Buffer.from([
  ...[0, 0, 0, 12, 0, 18, 0, 0, 0, 0, 0, 1, 0, 2],
  ...Buffer.from("up"),
]);

/** Whether it answers a request: it accepts connections long before. */
function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    const end = (isUp: boolean) => {
      socket.destroy();
      resolve(isUp);
    };
    socket.once("error", () => end(false));
    socket.once("close", () => end(false));
    socket.once("data", () => end(true));
    socket.write(API_VERSIONS);
  });
}
