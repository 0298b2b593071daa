import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { freePort, type Processes } from "./support/processes.ts";

const CLI = fileURLToPath(new URL("../src/cli/main.js", import.meta.url));
const READY_WITHIN_MS = 15_000;

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
  const folder = await mkdtemp(join(tmpdir(), "statefold-bench-"));
  const module = join(folder, "module.yaml");
  await writeFile(
    module,
    [
      "kind: io.statefun.endpoints.v2/http",
      "spec:",
      "  functions: bench/*",
      `  urlPathTemplate: http://127.0.0.1:${functionPort}/`,
      documents === "" ? "" : `---${documents}`,
    ].join("\n"),
  );
  const port = await freePort();
  const data = join(folder, "data");
  const { died } = processes.program([
    CLI,
    "run",
    module,
    "--data",
    data,
    "--port",
    String(port),
    ...options,
  ]);
  await Promise.race([ready(port), died]);
  return { port, removeData: () => rm(folder, { recursive: true, force: true }) };
}

async function ready(port: number): Promise<void> {
  const untilMs = Date.now() + READY_WITHIN_MS;
  while (Date.now() < untilMs) {
    const isReady = await fetch(`http://127.0.0.1:${port}/health/ready`).then(
      (response) => response.ok,
      () => false,
    );
    if (isReady) return;
    await pause(50);
  }
  throw new Error(`the node was not ready within ${READY_WITHIN_MS} ms`);
}
