import { existsSync } from "node:fs";
import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { newFolder, removeFolder } from "./support/leftovers.ts";
import { freePort, type Processes } from "./support/processes.ts";
import type { CpuProfile } from "./support/profile.ts";
import type { Program } from "./support/program.ts";

const CLI = fileURLToPath(new URL("../src/cli/main.js", import.meta.url));
const READY_WITHIN_MS = 60_000;

/** Where the functions of a node are: behind HTTP on a port, or in its own process. */
export type FunctionsAt = { readonly port: number } | { readonly module: string };

/** A folder with a module and a data directory, and the nodes that are started on it, one at a time. */
export class NodeHome {
  readonly data: string;
  readonly #processes: Processes;
  readonly #folder: string;
  readonly #module: string;

  private constructor(processes: Processes, folder: string, module: string) {
    this.#processes = processes;
    this.#folder = folder;
    this.#module = module;
    this.data = join(folder, "data");
  }

  /** @param module more lines of the functions' `spec` */
  static async make(
    processes: Processes,
    functions: FunctionsAt,
    module: readonly string[] = [],
  ): Promise<NodeHome> {
    const folder = await newFolder();
    const path = join(folder, "module.yaml");
    const http = (port: number): string[] => [
      "kind: io.statefun.endpoints.v2/http",
      "spec:",
      "  functions: bench/*",
      `  urlPathTemplate: http://127.0.0.1:${port}/`,
    ];
    const embedded = (file: string): string[] => [
      "kind: io.statefold.embedded.v1/functions",
      "spec:",
      `  module: ${file}`,
    ];
    const lines = "port" in functions ? http(functions.port) : embedded(functions.module);
    await writeFile(path, [...lines, ...module, ""].join("\n"));
    return new NodeHome(processes, folder, path);
  }

  async start(how: StartOptions = {}): Promise<StartedNode> {
    const { port = await freePort(), options = [], profiled = false } = how;
    const flags = ["--cpu-prof", "--cpu-prof-interval", "500", "--cpu-prof-dir", this.#folder];
    const program = this.#processes.program([
      ...(profiled ? flags : []),
      CLI,
      ...["run", this.#module, "--data", this.data, "--port", String(port)],
      ...options,
    ]);
    const readyAtMs = await Promise.race([program.said("ready"), notReady()]);
    return { port, program, readyAtMs };
  }

  /** Ends a profiled node, and reads what it wrote. */
  async profileOf({ program }: StartedNode): Promise<CpuProfile> {
    await program.end("SIGTERM");
    const names = (await readdir(this.#folder)).filter((name) => name.endsWith(".cpuprofile"));
    const name = names.find((each) => each.includes(`.${program.pid}.`));
    if (name === undefined) throw new Error(`process ${program.pid} has written no profile`);
    const path = join(this.#folder, name);
    const profile = JSON.parse(await readFile(path, "utf8")) as CpuProfile;
    await rm(path);
    return profile;
  }

  async remove(): Promise<void> {
    await removeFolder(this.#folder);
  }
}

export interface StartOptions {
  /** Default: any free one. */
  readonly port?: number;
  /** More options of `statefold run`. */
  readonly options?: readonly string[];
  /** With a CPU profile from the first moment on, which {@link NodeHome.profileOf} reads. */
  readonly profiled?: boolean;
}

export interface StartedNode {
  readonly port: number;
  readonly program: Program;
  /** By `performance.now()`, when it said so. */
  readonly readyAtMs: number;
}

async function notReady(): Promise<never> {
  await pause(READY_WITHIN_MS, undefined, { ref: false });
  throw new Error(`the node was not ready within ${READY_WITHIN_MS} ms`);
}

/** A running statefold, its functions those of bench/functions.ts. */
export interface RunningNode {
  readonly port: number;
  /** Removes its data; its process ends with the benchmark. */
  removeData(): Promise<void>;
}

/**
 * @param options more options of `statefold run`
 * @param documents more of its module, in YAML
 * @returns undefined when the command line has not been built
 */
export async function startNode(
  processes: Processes,
  functionPort: number,
  options: readonly string[] = [],
  documents = "",
): Promise<RunningNode | undefined> {
  if (!existsSync(CLI)) return undefined;
  const home = await NodeHome.make(
    processes,
    { port: functionPort },
    documents === "" ? [] : [`---${documents}`],
  );
  const { port } = await home.start({ options });
  return { port, removeData: () => home.remove() };
}
