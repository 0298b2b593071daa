import { spawn } from "node:child_process";
import { once } from "node:events";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { NodeHome } from "../node.ts";
import { whenBrokenOff } from "./leftovers.ts";
import type { BenchOptions } from "./options.ts";
import { cpuMsOf, memoryOf } from "./process-figures.ts";
import type { Processes } from "./processes.ts";
import type { Table } from "./report.ts";
import { count, median } from "./table.ts";

/*
 * How long `statefold snapshot restore` takes, process and all: of the snapshot that is there, and of one with
 * many small states.
 */
const CLI = fileURLToPath(new URL("../../src/cli/main.js", import.meta.url));
const EMBEDDED = fileURLToPath(new URL("../idle-functions.js", import.meta.url));
const SMALL_BYTES = 200;
const SMALL_ADDRESSES = 1_000_000;
const LOOK_EVERY_MS = 20;

interface Restored {
  readonly elapsedMs: number;
  readonly cpuMs: number;
  readonly mostBytes: number;
  readonly entries: number;
  readonly rawBytes: number;
}

export async function restoreRows(
  processes: Processes,
  folder: string,
  url: string,
  addresses: number,
  options: BenchOptions,
): Promise<Table> {
  const small = Math.ceil(SMALL_ADDRESSES * options.scale);
  const smallUrl = await snapshotOf(processes, folder, small);
  const rows: string[][] = [];
  for (const [name, from, to, all] of [
    ["large states", url, 1, addresses],
    ["small states", smallUrl, 1, small],
    ["small states", smallUrl, 4, small],
  ] as const) {
    const found: Restored[] = [];
    for (let n = 0; n < options.rounds; n++) {
      found.push(await restoreOnce(join(folder, "restored"), from, to));
    }
    const middle = (pick: (each: Restored) => number): number => median(found.map(pick));
    const elapsedMs = middle((each) => each.elapsedMs);
    rows.push([
      `${name}, on ${to}`,
      count(all),
      count(middle((each) => each.rawBytes) / 1e6),
      count(elapsedMs),
      count(middle((each) => each.rawBytes) / 1e3 / elapsedMs),
      count((all * 1_000) / elapsedMs),
      count(middle((each) => each.cpuMs)),
      count(middle((each) => each.mostBytes) / 2 ** 20),
    ]);
  }
  const head = [
    ...["restore of", "addresses", "MB", "ms", "MB/s", "addresses/s", "CPU ms", "memory MiB"],
  ];
  return { head, rows };
}

async function snapshotOf(
  processes: Processes,
  folder: string,
  addresses: number,
): Promise<string> {
  const url = join(folder, "small");
  const home = await NodeHome.make(processes, { module: EMBEDDED });
  try {
    const builder = processes.child("build.js");
    const size = { stateBytes: SMALL_BYTES, timerInMs: undefined };
    await builder.ask({ dir: home.data, first: 0, count: addresses, ...size });
    builder.kill();
    const node = await home.start({ options: ["--snapshots", url, "--snapshot-every", "1h"] });
    const path = `http://127.0.0.1:${node.port}/v1/admin/snapshots`;
    const answer = await fetch(path, { method: "POST" });
    if (!answer.ok) throw new Error(await answer.text());
    await node.program.end("SIGKILL");
  } finally {
    await home.remove();
  }
  return url;
}

async function restoreOnce(data: string, url: string, partitions: number): Promise<Restored> {
  const words = ["snapshot", "restore", url, "--data", data, "--partitions", String(partitions)];
  const beganMs = performance.now();
  const child = spawn(process.execPath, [CLI, ...words, "--json"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let text = "";
  child.stdout.on("data", (chunk: Buffer) => {
    text += chunk.toString();
  });
  const exited = once(child, "exit");
  const ended = whenBrokenOff(async () => {
    child.kill("SIGKILL");
    await exited;
  });
  let [cpuMs, mostBytes] = [0, 0];
  const watching = async (): Promise<void> => {
    while (child.exitCode === null && child.pid !== undefined) {
      try {
        const { anonymousBytes } = await memoryOf(child.pid);
        if (Number.isNaN(anonymousBytes)) return; // it has ended, and nobody has asked how
        mostBytes = Math.max(mostBytes, anonymousBytes);
        cpuMs = await cpuMsOf(child.pid);
      } catch {
        return; // it has ended
      }
      await pause(LOOK_EVERY_MS);
    }
  };
  const [[code]] = await Promise.all([exited, watching()]).finally(ended);
  const elapsedMs = performance.now() - beganMs;
  if (code !== 0) throw new Error(`the restore ended with ${code}`);
  const { entries, rawBytes } = JSON.parse(text) as { entries: number; rawBytes: number };
  await rm(data, { recursive: true });
  return { elapsedMs, cpuMs, mostBytes, entries, rawBytes };
}
