/** The processes that are tortured, the disk they stand on, and what the driver asks them. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { freePort, Script } from "../support/process.ts";
import { NOFILE } from "./descriptors.ts";
import type { Disk } from "./disk.ts";
import { Subject } from "./subject.ts";
import { moduleOf, type Variant } from "./variant.ts";

export interface Stage {
  readonly runtime: Subject;
  readonly functions: readonly Subject[];
  readonly url: string;
  readonly dataDir: string;
}

export interface StageOptions {
  readonly variant: Variant;
  readonly disk: Disk;
  readonly folder: string;
  readonly partitions: number;
  readonly threads: number;
}

export async function setStage(options: StageOptions): Promise<Stage> {
  const { variant, disk, folder, partitions, threads } = options;
  const counters = await functionsProcess("counters");
  const mirrors = await functionsProcess("mirrors");
  const ports = { counters: counters.script.port, mirrors: mirrors.script.port };
  const module = join(folder, "module.yaml");
  writeFileSync(module, moduleOf(variant, ports));
  const dataDir = join(disk.path, "data");
  mkdirSync(dataDir, { recursive: true });
  const script = new Script(
    {
      script: new URL("../../src/cli/main.js", import.meta.url),
      before: ["prlimit", `--nofile=${NOFILE}:${NOFILE}`],
      args: (port) => [
        ...["run", module, "--data", dataDir, "--port", String(port), "--log-level", "warn"],
        ...["--partitions", String(partitions), "--threads", String(threads), ...variant.args],
      ],
      ready: /^ready$/m,
      readyTimeoutMs: 60_000,
    },
    await freePort(),
  );
  return {
    runtime: new Subject("runtime", script),
    functions: [counters, mirrors],
    url: script.url,
    dataDir,
  };
}

async function functionsProcess(which: "counters" | "mirrors"): Promise<Subject> {
  const script = new Script(
    {
      script: new URL("./scripts/functions.js", import.meta.url),
      before: ["prlimit", `--nofile=${NOFILE}:${NOFILE}`],
      args: (port) => [String(port), which],
      ready: /serving/,
      readyTimeoutMs: 60_000,
    },
    await freePort(),
  );
  return new Subject(which, script);
}
