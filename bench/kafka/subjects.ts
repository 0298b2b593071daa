import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { NodeHome } from "../node.ts";
import { NotInstalled } from "../peers/install.ts";
import { installStatefun, startStatefun } from "../peers/statefun.ts";
import { newFolder, removeFolder } from "../support/leftovers.ts";
import type { Processes } from "../support/processes.ts";
import type { Program } from "../support/program.ts";
import type { Watched } from "../support/watch.ts";
import { type PathName, pathOf } from "./paths.ts";

/** Somebody who takes records from one topic to another. */
export interface Subject {
  readonly name: string;
  readonly path: PathName;
  readonly program: Program;
  readonly processes: readonly Watched[];
  /** Stands still while others are measured, and while a backlog is made for it. */
  readonly isPausable: boolean;
}

/** What runs already. */
export interface Stage {
  readonly processes: Processes;
  /** Of the broker: `host:port`, its port, its process. */
  readonly address: string;
  readonly port: number;
  readonly brokerPid: number;
}

export const STATEFUN = "StateFun, official SDK";
export const OFFICIAL = "statefold, official SDK";
export const OWN = "statefold";
export const COPY = "plain copy";
export const EXACTLY = ", exactly once";
export const LEAST = ", at least once";

export interface Cast {
  readonly subjects: readonly Subject[];
  readonly notes: readonly string[];
  remove(): Promise<void>;
}

export async function castOf(stage: Stage): Promise<Cast> {
  const { processes, address, brokerPid } = stage;
  const ends: (() => Promise<void>)[] = [];
  const notes: string[] = [];
  const subjects: Subject[] = [];
  const broker: Watched = { role: "broker", pid: brokerPid };
  const add = (name: string, path: PathName, program: Program, functionsPid: number): void => {
    const watched: Watched[] = [
      { role: "runtime", pid: program.pid },
      { role: "functions", pid: functionsPid },
    ];
    const isPausable = true;
    subjects.push({ name, path, program, processes: [...watched, broker], isPausable });
  };
  for (const [name, path] of [
    [`${OWN}${EXACTLY}`, "sdk-exactly"],
    [`${OWN}${LEAST}`, "sdk-least"],
    [`${OFFICIAL}${EXACTLY}`, "official-exactly"],
    [`${OFFICIAL}${LEAST}`, "official-least"],
  ] as const) {
    const { home, functionsPid } = await nodeHomeOf(stage, path);
    ends.push(() => home.remove());
    const { program } = await home.start();
    add(name, path, program, functionsPid);
  }
  try {
    await installStatefun();
    for (const [name, path] of [
      [`${STATEFUN}${EXACTLY}`, "statefun-exactly"],
      [`${STATEFUN}${LEAST}`, "statefun-least"],
    ] as const) {
      const folder = await newFolder();
      ends.push(() => removeFolder(folder));
      const functions = processes.child("official-functions.js");
      const { port } = await functions.ask<{ port: number }>({});
      const module = join(folder, "module.yaml");
      await writeFile(module, moduleOf(stage, path, port));
      add(name, path, startStatefun(processes, module, folder), functions.pid);
    }
  } catch (error) {
    if (!(error instanceof NotInstalled)) throw error;
    notes.push(`  ${error.message}\n`);
  }
  const copy = processes.program([fileURLToPath(new URL("copy.js", import.meta.url)), address]);
  await copy.said("ready");
  subjects.push({
    ...{ name: `${COPY}${EXACTLY}`, path: "copy", program: copy, isPausable: false },
    processes: [{ role: "runtime", pid: copy.pid }, broker],
  });
  return {
    ...{ subjects, notes },
    remove: async () => {
      for (const end of ends) await end();
    },
  };
}

/** A node on a path, with functions of its own, not started yet. */
export async function nodeHomeOf(
  stage: Stage,
  path: PathName,
): Promise<{ readonly home: NodeHome; readonly functionsPid: number }> {
  const { processes } = stage;
  const isOurs = path.startsWith("sdk-");
  const functions = processes.child(isOurs ? "functions.js" : "official-functions.js");
  const { port } = await functions.ask<{ port: number }>({});
  const home = await NodeHome.make(processes, { port }, waysOf(stage, path));
  return { home, functionsPid: functions.pid };
}

/** The very same file for either runtime. */
function moduleOf(stage: Stage, path: PathName, functionsPort: number): string {
  const lines = [
    "kind: io.statefun.endpoints.v2/http",
    "spec:",
    "  functions: bench/*",
    `  urlPathTemplate: http://127.0.0.1:${functionsPort}/`,
    ...waysOf(stage, path),
  ];
  return `${lines.join("\n")}\n`;
}

function waysOf({ address }: Stage, path: PathName): string[] {
  const { from, functionName, egress } = pathOf(path);
  const delivery = path.endsWith("-exactly")
    ? "{type: exactly-once, transactionTimeout: 15min}"
    : "{type: at-least-once}";
  return [
    "---",
    "kind: io.statefun.kafka.v1/ingress",
    "spec:",
    `  id: bench/in-${path}`,
    `  address: ${address}`,
    `  consumerGroupId: bench-${path}`,
    "  startupPosition: {type: earliest}",
    "  topics:",
    `    - {topic: ${from}, valueType: bench/Raw, targets: [${functionName}]}`,
    "---",
    "kind: io.statefun.kafka.v1/egress",
    "spec:",
    `  id: ${egress}`,
    `  address: ${address}`,
    `  deliverySemantic: ${delivery}`,
  ];
}
