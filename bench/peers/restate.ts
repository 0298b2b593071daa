import { writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { arch, platform } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { newFolder, removeFolder } from "../support/leftovers.ts";
import { freePort, type Processes } from "../support/processes.ts";
import type { Program } from "../support/program.ts";
import { installPackages, NotInstalled, peerPath } from "./install.ts";

/** A Restate server with the counter of restate/counter.mjs, with its own defaults: durable, synced, 24 partitions. */
export interface Restate {
  /** Of its ingress: `POST /counter/{key}/add`. */
  readonly port: number;
  readonly server: Program;
  readonly functions: Program;
  /** Its data; the processes end with the benchmark. */
  remove(): Promise<void>;
}

const READY_WITHIN_MS = 60_000;

/** @throws NotInstalled */
export async function startRestate(processes: Processes): Promise<Restate> {
  await installPackages("restate");
  const folder = await newFolder();
  const functionsPort = await freePort();
  const functions = processes.program([peerPath("restate/counter.mjs"), String(functionsPort)]);
  await functions.said("ready");
  const [port, adminPort, nodePort] = [await freePort(), await freePort(), await freePort()];
  const config = join(folder, "restate.toml");
  await writeFile(config, configOf(folder, port, adminPort, nodePort));
  const server = processes.program(["--no-logo", "--config-file", config], {
    command: executable(),
    cwd: folder,
  });
  const admin = `http://127.0.0.1:${adminPort}`;
  const uri = `http://127.0.0.1:${functionsPort}`;
  await Promise.race([registered(admin, uri), server.died]);
  return {
    ...{ port, server, functions },
    remove: () => removeFolder(folder),
  };
}

function configOf(folder: string, port: number, adminPort: number, nodePort: number): string {
  const lines = [
    "disable-telemetry = true",
    'listen-mode = "tcp"',
    `base-dir = "${join(folder, "data")}"`,
    `bind-address = "127.0.0.1:${nodePort}"`,
    "[ingress]",
    `bind-address = "127.0.0.1:${port}"`,
    "[admin]",
    `bind-address = "127.0.0.1:${adminPort}"`,
    "",
  ];
  return lines.join("\n");
}

/** The server itself, without the script that would start it, so that its own figures are counted. */
function executable(): string {
  const name = `@restatedev/restate-server-${platform()}-${arch()}/bin/restate-server`;
  try {
    return createRequire(peerPath("restate/package.json")).resolve(name);
  } catch {
    throw new NotInstalled(`restate is not installed: there is none for ${platform()} ${arch()}`);
  }
}

/** Its partitions have leaders some seconds after it listens. */
async function registered(admin: string, uri: string): Promise<void> {
  const untilMs = performance.now() + READY_WITHIN_MS;
  let last = "";
  while (performance.now() < untilMs) {
    try {
      const response = await fetch(`${admin}/deployments`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ uri }),
      });
      last = `${response.status} ${await response.text()}`;
      if (response.ok) return;
    } catch (error) {
      last = String(error);
    }
    await pause(100);
  }
  throw new Error(`restate did not take its functions: ${last}`);
}
