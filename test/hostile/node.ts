/** A node of the stage, in this process or as one of its own, with all that stands around it. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { startNode } from "../../src/node/start.ts";
import { createLogger } from "../../src/telemetry/logger.ts";
import { Canary } from "./canary.ts";
import { HostileFunctions, moduleYaml, serveCanary } from "./stage.ts";

export interface Stage {
  readonly url: string;
  readonly port: number;
  readonly functions: HostileFunctions;
  readonly canary: Canary;
  /** Of the node's process. */
  readonly memory: () => Promise<{ readonly rssBytes: number; readonly heapBytes: number }>;
  /** Ends everything; throws when the node did not live to this moment, or wrote beside its directory. */
  readonly stop: () => Promise<void>;
}

interface Node {
  readonly url: string;
  readonly stop: () => Promise<void>;
}

export async function openStage(where: "in this process" | "as a process"): Promise<Stage> {
  const functions = new HostileFunctions();
  const canaryServer = await serveCanary();
  const directory = mkdtempSync(join(tmpdir(), "statefold-hostile-"));
  const file = join(directory, "module.yaml");
  writeFileSync(file, moduleYaml(await functions.start(), canaryServer.url));
  const start = where === "as a process" ? startProcess : startInside;
  const node = await start(file, join(directory, "data"));
  const canary = new Canary(node.url);
  canary.start();
  return {
    ...{ url: node.url, port: Number(new URL(node.url).port), functions, canary },
    memory: async () => {
      const text = await (await fetch(`${node.url}/metrics`)).text();
      const gauge = (name: string) =>
        Number(new RegExp(`^${name} (\\S+)$`, "m").exec(text)?.[1] ?? Number.NaN);
      return {
        rssBytes: gauge("process_resident_memory_bytes"),
        heapBytes: gauge("process_heap_used_bytes"),
      };
    },
    stop: async () => {
      try {
        await canary.stop();
        const beside = readdirSync(directory).sort();
        if (beside.join() !== "data,module.yaml") throw new Error(`there are ${beside.join(", ")}`);
      } finally {
        await node.stop();
        await functions.stop();
        await canaryServer.close();
        rmSync(directory, { recursive: true, force: true });
      }
    },
  };
}

async function startInside(file: string, dataDir: string): Promise<Node> {
  const node = await startNode({
    ...{ modules: [file], dataDir, host: "127.0.0.1", port: 0, embedded: true, partitions: 2 },
    ...{ acceptLoss: false, variables: new Map(), logger: createLogger({ level: "silent" }) },
  });
  return { url: node.listening[0]?.url ?? "", stop: () => node.stop() };
}

/** `statefold run`. What it logs as an error is a violation, told when it ends. */
async function startProcess(file: string, dataDir: string): Promise<Node> {
  const script = fileURLToPath(new URL("../../src/cli/main.js", import.meta.url));
  const options = ["--embedded", "--port", "0", "--partitions", "2", "--log-level", "error"];
  const child = spawn(process.execPath, [script, "run", file, "--data", dataDir, ...options], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  process.on("exit", () => child.kill("SIGKILL"));
  const errors: string[] = [];
  child.stderr.setEncoding("utf8").on("data", (text: string) => errors.push(text));
  const url = await firstUrl(child);
  return {
    url,
    stop: async () => {
      if (child.exitCode !== null) throw new Error(`the node died: ${errors.join("")}`);
      child.kill("SIGTERM");
      const [code] = (await once(child, "exit")) as [number | null];
      if (code !== 0 || errors.join("").includes('"level":50')) {
        throw new Error(`the node ended with ${code}: ${errors.join("").slice(0, 5_000)}`);
      }
    },
  };
}

async function firstUrl(child: ChildProcess): Promise<string> {
  let out = "";
  for await (const chunk of child.stdout ?? []) {
    out += String(chunk);
    const url = /^http (http:\S+)\n[\s\S]*^ready$/m.exec(out)?.[1];
    if (url === undefined) continue;
    child.stdout?.resume();
    return url;
  }
  throw new Error(`the node does not start: ${out}`);
}
