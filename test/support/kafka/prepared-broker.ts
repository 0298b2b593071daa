import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import { kafkaLibraries } from "./libraries.ts";

/** A broker of one node that can be started, and started again: the address and the data stay. */
export interface PreparedBroker {
  readonly host: string;
  readonly port: number;
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
 * @param properties further lines of server.properties
 */
export async function prepareBroker(
  folder: string,
  properties: Readonly<Record<string, string>> = {},
): Promise<PreparedBroker> {
  const jars = await kafkaLibraries();
  const config = join(folder, "server.properties");
  const [controllerPort, port] = await freePorts();
  const all = { ...standard(folder, port, controllerPort), ...properties };
  const lines = Object.entries(all).map(([name, value]) => `${name}=${value}\n`);
  writeFileSync(config, lines.join(""));
  const java = [...JVM, "-cp", join(jars, "*")];
  const format = ["kafka.tools.StorageTool", "format", "-t", CLUSTER, "-c", config];
  await promisify(execFile)("java", [...java, ...format]);
  return {
    ...{ host: HOST, port, command: ["java", ...java, "kafka.Kafka", config] },
    isReady: () => answers(port),
  };
}

const HOST = "127.0.0.1";
const CLUSTER = "MkU3OEVBNTcwNTJENDM2Qg";

const standard = (folder: string, port: number, controllerPort: number) => ({
  "process.roles": "broker,controller",
  "node.id": "1",
  "controller.quorum.voters": `1@${HOST}:${controllerPort}`,
  listeners: `PLAINTEXT://${HOST}:${port},CONTROLLER://${HOST}:${controllerPort}`,
  "advertised.listeners": `PLAINTEXT://${HOST}:${port}`,
  "controller.listener.names": "CONTROLLER",
  "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
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

/** Two ports nobody listens on just now; held together, so that they differ. */
async function freePorts(): Promise<readonly [number, number]> {
  const servers = [createServer(), createServer()] as const;
  const [a, b] = await Promise.all([listen(servers[0]), listen(servers[1])]);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return [a, b];
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
