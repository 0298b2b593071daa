import { cpSync } from "node:fs";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { setTimeout as pause } from "node:timers/promises";
import type { SnapshotReport } from "../src/gateway/admin-port.ts";
import type { FunctionsAnswer } from "./functions.ts";
import { idOf } from "./idle-functions.ts";
import { NodeHome, type StartedNode } from "./node.ts";
import { NodeClient } from "./support/http.ts";
import { newFolder, removeFolder } from "./support/leftovers.ts";
import type { Load, LoadResult } from "./support/load.ts";
import type { BenchOptions } from "./support/options.ts";
import { type Child, Processes } from "./support/processes.ts";
import { summarise, windowOf } from "./support/profile.ts";
import { profileTables } from "./support/profile-table.ts";
import { type Part, type Report, raw, reportOf } from "./support/report.ts";
import { restoreRows } from "./support/restore-rows.ts";
import { count, median, ms } from "./support/table.ts";

/*
 * What snapshots cost while they are taken, and how long a restore takes. Two nodes with the same state, one of
 * which keeps snapshots in a folder beside it; the load goes to one and to the other in turn: calls to counters,
 * and beside them states that are written anew, so many that a hundredth of all has changed at each snapshot.
 */
const STATE_BYTES = 4_000;
const ADDRESSES = 250_000;
const CHANGED_SHARE = 0.01;
const EVERY_MS = 10_000;
/** Of one turn of a node. */
const SNAPSHOTS_A_TURN = 2;
const CONNECTIONS = 16;
const IDS = 10_000;
const WRITES_AT_ONCE = 10;

interface Turn {
  readonly load: LoadResult;
  readonly cpuMs: number;
  readonly anonymousBytes: number;
  readonly loopMs: number;
  readonly taken: readonly SnapshotReport[];
  /** Of the states that were written anew, at each snapshot. */
  readonly changedBytes: number;
}

export async function benchSnapshots(options: BenchOptions): Promise<Report> {
  const addresses = Math.ceil(ADDRESSES * options.scale);
  const processes = new Processes();
  const folder = await newFolder();
  const url = join(folder, "snapshots");
  try {
    const { port } = await processes.child("functions.js").ask<FunctionsAnswer>({});
    const homes = [
      await NodeHome.make(processes, { port }),
      await NodeHome.make(processes, { port }),
    ] as const;
    try {
      const [plain, kept] = homes;
      await build(processes, plain.data, addresses);
      cpSync(plain.data, kept.data, { recursive: true });
      const nodes = [
        await plain.start(),
        await kept.start({ options: ["--snapshots", url, "--snapshot-every", "1h"] }),
      ] as const;
      const found = await alternate(processes, nodes, addresses, options);
      await nodes[1].program.end("SIGTERM");
      await nodes[0].program.end("SIGKILL");
      const profile = options.profile ? await profiled(processes, kept, url, addresses) : "";
      const restored = await restoreRows(processes, folder, url, addresses, options);
      return reportOf(...found, "\n", restored, profile);
    } finally {
      await processes.end();
      for (const home of homes) await home.remove();
    }
  } finally {
    await removeFolder(folder);
  }
}

/** One turn more, while snapshots are taken. */
async function profiled(
  processes: Processes,
  home: NodeHome,
  url: string,
  addresses: number,
): Promise<string> {
  const options = ["--snapshots", url, "--snapshot-every", "1h"];
  const node = await home.start({ profiled: true, options });
  await take(node);
  const fromMs = performance.now();
  const { load } = await turn(processes, node, addresses, true);
  const untilMs = performance.now();
  const summary = summarise(await home.profileOf(node), windowOf(fromMs, untilMs));
  const per = { count: (load.perSecond * (untilMs - fromMs)) / 1_000, unit: "call" };
  return `\n${profileTables("calls, with a snapshot every 10 s", summary, per)}`;
}

async function build(processes: Processes, dir: string, addresses: number): Promise<void> {
  const builder = processes.child("build.js");
  const size = { stateBytes: STATE_BYTES, timerInMs: undefined };
  await builder.ask({ dir, first: 0, count: addresses, ...size });
  builder.kill();
}

async function alternate(
  processes: Processes,
  [plain, kept]: readonly [StartedNode, StartedNode],
  addresses: number,
  { rounds, scale }: BenchOptions,
): Promise<Part[]> {
  // The first holds everything.
  const whole = await take(kept);
  const without: Turn[] = [];
  const with_: Turn[] = [];
  for (let round = 0; round < rounds; round++) {
    const inTurn = [
      async () => without.push(await turn(processes, plain, addresses, false)),
      async () => with_.push(await turn(processes, kept, addresses, true)),
    ];
    for (const each of round % 2 === 0 ? inTurn : inTurn.reverse()) await each();
  }
  const rows = [rowOf("without snapshots", without), rowOf("with one every 10 s", with_)];
  const head = [
    `${count((addresses * STATE_BYTES) / 1e6)} MB of state`,
    ...["calls/s", "p50 ms", "p99 ms", "p99.9 ms", "max ms"],
    ...["loop max ms", "CPU ms", "memory MiB", "errors"],
  ];
  const taken = with_.flatMap((each) => each.taken);
  const changed = median(with_.map(({ changedBytes }) => changedBytes));
  const ratios = with_.map(({ load }, i) => load.perSecond / (without[i]?.load.perSecond ?? 1));
  const lines: Part[] = [
    `the first snapshot, whole: ${count(whole.writtenBytes / 1e6)} MB in ${count(whole.elapsedMs)} ms\n`,
    `each further one: ${ms(median(taken.map((each) => each.writtenBytes)) / 1e6)} MB in ${count(median(taken.map((each) => each.elapsedMs)))} ms; states that were written anew: ${ms(changed / 1e6)} MB, and ${count(IDS)} counters\n`,
    `calls/s with, of without: ${ratios.map((ratio) => ratio.toFixed(2)).join(" ")}\n`,
    raw(
      "MB of each",
      taken.map(({ writtenBytes }) => writtenBytes / 1e6),
    ),
    ...(scale === 1 ? [] : [`scale ${scale}\n`]),
  ];
  return [{ head, rows }, ...lines];
}

async function turn(
  processes: Processes,
  node: StartedNode,
  addresses: number,
  isKept: boolean,
): Promise<Turn> {
  const { port, program } = node;
  const measureMs = SNAPSHOTS_A_TURN * EVERY_MS;
  const generator: Child = processes.child("support/load.js");
  const load: Load = {
    ...{ port, shape: "call", connections: CONNECTIONS, ids: IDS },
    ...{ warmUpMs: EVERY_MS / 2, measureMs },
  };
  const before = await program.cpuMs();
  const ending = new AbortController();
  const writing = rewrite(node, addresses, ending.signal);
  const client = new NodeClient(port);
  const taken: SnapshotReport[] = [];
  const taking = async (): Promise<void> => {
    while (!ending.signal.aborted) {
      const beganMs = performance.now();
      taken.push(await take(node));
      await pause(Math.max(0, beganMs + EVERY_MS - performance.now()), undefined, {
        signal: ending.signal,
      }).catch(() => undefined);
    }
  };
  const snapshots = isKept ? taking() : undefined;
  const result = await generator.ask<LoadResult>(load);
  ending.abort();
  generator.kill();
  await snapshots;
  const written = await writing;
  const loopMs = 1_000 * (await client.metric("process_event_loop_delay_max_seconds"));
  const { anonymousBytes } = await program.memory();
  const cpuMs = (await program.cpuMs()) - before;
  await client.close();
  const turnMs = load.warmUpMs + measureMs;
  const changedBytes = (written * STATE_BYTES * EVERY_MS) / turnMs;
  // The first of a turn holds what was changed in the ones before.
  return { load: result, cpuMs, anonymousBytes, loopMs, taken: taken.slice(1), changedBytes };
}

async function take({ port }: StartedNode): Promise<SnapshotReport> {
  const response = await fetch(`http://127.0.0.1:${port}/v1/admin/snapshots`, { method: "POST" });
  if (!response.ok) throw new Error(await response.text());
  return (await response.json()) as SnapshotReport;
}

/** Writes states anew, one after the other, so many in the time between two snapshots as shall have changed. */
async function rewrite(
  { port }: StartedNode,
  addresses: number,
  signal: AbortSignal,
): Promise<number> {
  const client = new NodeClient(port, WRITES_AT_ONCE);
  const perMs = (addresses * CHANGED_SHARE) / EVERY_MS;
  const beganMs = performance.now();
  let written = 0;
  while (!signal.aborted) {
    const due = Math.floor((performance.now() - beganMs) * perMs);
    const some = Array.from({ length: Math.min(due - written, WRITES_AT_ONCE) }, (_, i) => {
      const id = idOf((written + i) % addresses);
      return client.send(`bench/idle/${id}`, `write ${STATE_BYTES}`);
    });
    await Promise.all(some);
    written += some.length;
    if (some.length < WRITES_AT_ONCE) await pause(10);
  }
  await client.close();
  return written;
}

function rowOf(name: string, turns: readonly Turn[]): string[] {
  const middle = (pick: (turn: Turn) => number): number => median(turns.map(pick));
  return [
    name,
    count(middle(({ load }) => load.perSecond)),
    ms(middle(({ load }) => load.p50Ms)),
    ms(middle(({ load }) => load.p99Ms)),
    ms(middle(({ load }) => load.p999Ms)),
    ms(Math.max(...turns.map(({ load }) => load.maxMs))),
    ms(Math.max(...turns.map(({ loopMs }) => loopMs))),
    count(middle(({ cpuMs }) => cpuMs)),
    count(middle(({ anonymousBytes }) => anonymousBytes) / 2 ** 20),
    String(turns.reduce((sum, { load }) => sum + load.errors, 0)),
  ];
}
