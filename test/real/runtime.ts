import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { type Script, startScript } from "../support/process.ts";

export interface RuntimeOptions {
  /** The text of module.yaml. */
  readonly module: string;
  /** An empty folder, or one a runtime has used before. */
  readonly directory: string;
  readonly partitions?: number;
  /** Default true: Kafka is the topic log. */
  readonly embedded?: boolean;
  /** As {@link ScriptOptions.before}. */
  readonly before?: readonly string[];
}

/** `statefold run` as a process of its own; its output is that of stdout and the log. */
export async function startRuntime(t: TestContext, options: RuntimeOptions): Promise<Script> {
  const { module, directory, partitions = 4, embedded = true, before = [] } = options;
  const path = join(directory, "module.yaml");
  writeFileSync(path, module);
  const data = join(directory, "data");
  return await startScript(t, {
    script: new URL("../../src/cli/main.js", import.meta.url),
    before,
    args: (port) => [
      ...["run", path, "--data", data, "--port", String(port)],
      ...(embedded ? ["--embedded"] : []),
      ...["--partitions", String(partitions), "--log-level", "warn"],
    ],
    ready: /^ready$/m,
    readyTimeoutMs: 20_000,
  });
}

/** The sum of a metric over its labels. */
export async function metric(runtime: Script, name: string): Promise<number> {
  const text = await (await fetch(`${runtime.url}/metrics`)).text();
  const lines = text.split("\n").filter((line) => line.startsWith(name));
  if (lines.length === 0) throw new Error(`there is no metric ${name}`);
  return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" "))), 0);
}

/** Nothing is under way: no message waits, no timer is set, and nothing is still to leave. */
export async function isQuiet(runtime: Script): Promise<boolean> {
  for (const name of ["pending_messages", "timers", "outbox_entries"]) {
    if ((await metric(runtime, `statefold_partition_${name}`)) > 0) return false;
  }
  return true;
}
