import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import { kafkaLibraries } from "./libraries.ts";

export interface BrokerOptions {
  /** Further lines of server.properties. */
  readonly properties?: Readonly<Record<string, string>>;
  /** Further listeners by name, in capitals, with their protocol, such as `{ INNER: "SASL_SSL" }`. */
  readonly listeners?: Readonly<Record<string, string>>;
  /** Further words for the tool that makes the data folder. */
  readonly format?: readonly string[];
}

/** A broker of one node that can be started, and started again: the address and the data stay. */
export interface PreparedBroker {
  readonly host: string;
  readonly port: number;
  /** `host:port` of each listener, by name. */
  readonly listeners: ReadonlyMap<string, string>;
  /** Words of the command that becomes the broker, the program first. */
  readonly command: readonly [program: string, ...words: string[]];
  /** Whether it answers a request: it accepts connections long before. */
  readonly isReady: () => Promise<boolean>;
}

/** Enough for tests, and the just-in-time compiler must not take a core for itself. */
const JVM = [
  ...["-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"],
  "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
];

/**
 * Gets a broker's jars, chooses free ports and formats its data.
 *
 * @param folder an empty one, for its configuration and its data
 */
export async function prepareBroker(
  folder: string,
  options: BrokerOptions = {},
): Promise<PreparedBroker> {
  const jars = await kafkaLibraries();
  const config = join(folder, "server.properties");
  const further = Object.entries(options.listeners ?? {});
  const [port = 0, controllerPort = 0, ...ports] = await freePorts(2 + further.length);
  const listeners: Listener[] = [
    { name: "PLAINTEXT", protocol: "PLAINTEXT", port },
    { name: "CONTROLLER", protocol: "PLAINTEXT", port: controllerPort },
    ...further.map(([name, protocol], i) => ({ name, protocol, port: ports[i] ?? 0 })),
  ];
  const all = { ...standard(folder, listeners), ...options.properties };
  const lines = Object.entries(all).map(([name, value]) => `${name}=${value}\n`);
  writeFileSync(config, lines.join(""));
  const java = [...JVM, "-cp", join(jars, "*")];
  const format = ["kafka.tools.StorageTool", "format", "-t", CLUSTER, "-c", config];
  await promisify(execFile)("java", [...java, ...format, ...(options.format ?? [])]);
  return {
    ...{ host: HOST, port, command: ["java", ...java, "kafka.Kafka", config] },
    listeners: new Map(listeners.map((one) => [one.name, `${HOST}:${one.port}`])),
    isReady: () => answers(port),
  };
}

const HOST = "127.0.0.1";
const CLUSTER = "MkU3OEVBNTcwNTJENDM2Qg";

interface Listener {
  readonly name: string;
  readonly protocol: string;
  readonly port: number;
}

const isController = ({ name }: Listener): boolean => name === "CONTROLLER";

const urls = (listeners: readonly Listener[]): string =>
  listeners.map(({ name, port }) => `${name}://${HOST}:${port}`).join(",");

const standard = (folder: string, listeners: readonly Listener[]) => ({
  "process.roles": "broker,controller",
  "node.id": "1",
  "controller.quorum.voters": `1@${HOST}:${listeners.find(isController)?.port}`,
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
  // Those whose time is over are ended soon.
  "transaction.abort.timed.out.transaction.cleanup.interval.ms": "200",
  "share.coordinator.state.topic.replication.factor": "1",
  "share.coordinator.state.topic.min.isr": "1",
  "group.initial.rebalance.delay.ms": "0",
  "group.min.session.timeout.ms": "1000",
  "log.cleaner.dedupe.buffer.size": "8388608",
});

/** Ports nobody listens on just now; held together, so that they differ. */
async function freePorts(count: number): Promise<readonly number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  const ports = await Promise.all(servers.map(listen));
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

async function listen(server: ReturnType<typeof createServer>): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject).listen(0, HOST, resolve);
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("there is no free port");
  return address.port;
}

/** An ApiVersions request, version 0, of the client "up". */
const API_VERSIONS = Buffer.from([
  ...[0, 0, 0, 12, 0, 18, 0, 0, 0, 0, 0, 1, 0, 2],
  ...Buffer.from("up"),
]);

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, HOST);
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
