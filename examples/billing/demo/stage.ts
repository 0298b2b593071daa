/** The two processes that are killed: the runtime, and the functions it calls. */
import { connect } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { freePort, Service } from "./processes.ts";

export interface Stage {
  readonly runtime: Service;
  readonly functions: Service;
  /** The runtime's HTTP API. */
  readonly url: string;
}

/** The folder of the checkout: this file is compiled to dist/examples/billing/demo/. */
const ROOT = new URL("../../../../", import.meta.url);
const path = (name: string) => fileURLToPath(new URL(name, ROOT));

export interface StageOptions {
  /** Keeps the runtime's data and both logs. */
  readonly directory: string;
  /** `host:port,…` of Kafka; undefined: topics are the runtime's own log. */
  readonly brokers: string | undefined;
  readonly onFailure: (error: Error) => void;
}

export async function setStage({ directory, brokers, onFailure }: StageOptions): Promise<Stage> {
  const port = await freePort();
  const functionsPort = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const topics = brokers === undefined ? ["--embedded"] : ["--set", `KAFKA=${brokers}`];
  // Transactional ids and groups begin with it: those of two demos on one broker must differ.
  const application = `billing-demo-${process.pid}`;
  const command = ["run", path("examples/billing/module.yaml"), ...topics];
  const where = ["--data", join(directory, "data"), "--port", String(port)];
  const runtime = new Service({
    name: "runtime",
    command: [
      process.execPath,
      path("dist/src/cli/main.js"),
      ...command,
      ...where,
      ...["--application", application, "--set", `FUNCTIONS_PORT=${functionsPort}`],
    ],
    logFile: join(directory, "runtime.log"),
    ready: () => isReady(`${url}/health/ready`),
    onFailure,
  });
  const functions = new Service({
    name: "functions",
    command: [process.execPath, path("dist/examples/billing/functions.js"), String(functionsPort)],
    logFile: join(directory, "functions.log"),
    ready: () => accepts(functionsPort),
    onFailure,
  });
  return { runtime, functions, url };
}

async function isReady(url: string): Promise<boolean> {
  const response = await fetch(url, { signal: AbortSignal.timeout(1_000) });
  await response.body?.cancel();
  return response.ok;
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
    socket.once("connect", () => socket.destroy());
  });
}
