import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { fileURLToPath } from "node:url";
import type { BuildQuestion } from "./build.ts";
import { idOf } from "./idle-functions.ts";
import { NodeHome } from "./node.ts";
import { NodeClient } from "./support/http.ts";
import type { BenchOptions } from "./support/options.ts";
import { Processes } from "./support/processes.ts";
import { summarise, windowOf } from "./support/profile.ts";
import { profileTables } from "./support/profile-table.ts";
import { type Part, type Report, raw, reportOf } from "./support/report.ts";
import { count, median } from "./support/table.ts";

/*
 * What a node costs that has much to remember and little to do: time from the start of its process until it
 * is ready and until it has answered a call to one of many addresses, and its memory then. The functions
 * are in its process; the files are in the page cache, since they have just been written.
 */
const EMBEDDED = fileURLToPath(new URL("idle-functions.js", import.meta.url));
const ADDRESSES = 1_000_000;
const STATE_BYTES = 200;
const DAY_MS = 24 * 60 * 60 * 1000;

interface Round {
  readonly readyMs: number;
  readonly repliedMs: number;
  readonly rssBytes: number;
  readonly peakBytes: number;
  readonly heapBytes: number;
  /** Of all threads, until it had replied: tells more than time on a busy machine. */
  readonly cpuMs: number;
}

export async function benchIdle({ rounds, scale, profile }: BenchOptions): Promise<Report> {
  const addresses = Math.ceil(ADDRESSES * scale);
  const processes = new Processes();
  const home = await NodeHome.make(processes, { module: EMBEDDED });
  const rows: string[][] = [];
  const notes: Part[] = [];
  const measure = async (name: string): Promise<void> => {
    const found: Round[] = [];
    for (let n = 0; n < rounds; n++) found.push(await round(home, addresses));
    const middle = (pick: (round: Round) => number): number => median(found.map(pick));
    rows.push([
      name,
      count(middle((each) => each.readyMs)),
      count(middle((each) => each.repliedMs)),
      count(middle((each) => each.cpuMs)),
      mib(middle((each) => each.rssBytes)),
      mib(middle((each) => each.peakBytes)),
      mib(middle((each) => each.heapBytes)),
      mib(await bytesOf(home.data)),
    ]);
    notes.push(
      raw(
        `${name}, first reply, ms`,
        found.map((each) => each.repliedMs),
      ),
    );
    if (profile) notes.push(await profiled(home, name));
  };
  const build = async (question: Omit<BuildQuestion, "dir" | "first" | "count">) => {
    const builder = processes.child("build.js");
    const startedAtMs = performance.now();
    await builder.ask({ dir: home.data, first: 0, count: addresses, ...question });
    builder.kill();
    const perSecond = (addresses / (performance.now() - startedAtMs)) * 1000;
    notes.push(`  built at ${count(perSecond)} addresses/s\n`);
  };
  try {
    await measure("nothing");
    await build({ stateBytes: STATE_BYTES, timerInMs: undefined });
    await measure(`${count(addresses)} addresses`);
    await build({ stateBytes: 0, timerInMs: DAY_MS });
    await measure(`and ${count(addresses)} timers`);
  } finally {
    await processes.end();
    await home.remove();
  }
  const head = [
    "idle",
    "ready ms",
    "first reply ms",
    "CPU ms",
    "RSS MiB",
    "peak",
    "heap",
    "disk MiB",
  ];
  return reportOf({ head, rows }, ...notes);
}

async function round(home: NodeHome, addresses: number): Promise<Round> {
  const node = await home.start();
  const client = new NodeClient(node.port);
  try {
    await client.call(`bench/idle/${idOf(Math.floor(addresses / 2))}`, "?");
    const repliedAtMs = performance.now();
    const cpuMs = await node.program.cpuMs();
    const heapBytes = await client.metric("process_heap_used_bytes");
    const { rssBytes, peakBytes } = await node.program.memory();
    const { startedAtMs } = node.program;
    return {
      readyMs: node.readyAtMs - startedAtMs,
      repliedMs: repliedAtMs - startedAtMs,
      ...{ rssBytes, peakBytes, heapBytes, cpuMs },
    };
  } finally {
    await client.close();
    await node.program.end("SIGKILL");
  }
}

async function profiled(home: NodeHome, name: string): Promise<string> {
  const node = await home.start({ profiled: true });
  const client = new NodeClient(node.port);
  await client.call(`bench/idle/${idOf(0)}`, "?");
  const window = windowOf(node.program.startedAtMs, performance.now());
  await client.close();
  return `\n${profileTables(`${name}, start`, summarise(await home.profileOf(node), window))}\n`;
}

function mib(bytes: number): string {
  return count(bytes / 2 ** 20);
}

/** Of all files in a folder and below. */
export async function bytesOf(folder: string): Promise<number> {
  const names = await readdir(folder, { recursive: true });
  const sizes = await Promise.all(names.map((name) => stat(join(folder, name))));
  return sizes.reduce((sum, each) => sum + (each.isFile() ? each.size : 0), 0);
}
