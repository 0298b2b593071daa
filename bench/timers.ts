import { performance } from "node:perf_hooks";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { FunctionsAnswer } from "./functions.ts";
import { NodeHome, type StartedNode } from "./node.ts";
import { NodeClient } from "./support/http.ts";
import type { BenchOptions } from "./support/options.ts";
import { Processes } from "./support/processes.ts";
import { type ProfileWindow, summarise, windowOf } from "./support/profile.ts";
import { profileTables } from "./support/profile-table.ts";
import { type Part, type Report, raw, reportOf } from "./support/report.ts";
import { count, median, ms } from "./support/table.ts";
import type { SchedulePlan, TimerAccount } from "./timer-functions.ts";

/*
 * Delayed messages: how many a second can be scheduled, and fired, and how late. Functions make them, 500
 * with each message; all of them are durable before the first is due; the function they go to notes what
 * comes when. Due within a second, they ask for more than a node can do: that is its rate. Due within ten,
 * they show how late a timer is while the node keeps up, or how far behind it falls.
 */
const EMBEDDED = fileURLToPath(new URL("timer-functions.js", import.meta.url));
const MODULE = ["  concurrency: 64"];
const PER_MESSAGE = 500;
/** Addresses they go to: most get several at a time when the node is behind. */
const IDS = 10_000;
/** Until the first is due: scheduling must be over by then, on a busy machine too. */
const HEAD_START_MS = 3_000;
const SCHEDULED_PER_MS = 35;
/** Of a round whose timers came before they were all made: the next try takes longer. */
const TRIES = 4;
const CPU = "process_cpu_seconds_total";
const GIVE_UP_MS = 120_000;

interface Row {
  readonly name: string;
  readonly where: "embedded" | "http";
  readonly timers: number;
  readonly spanMs: number;
  /** Only once, whatever the rounds: it is long. */
  readonly once?: boolean;
}

const ROWS: readonly Row[] = [
  { name: "embedded", where: "embedded", timers: 200_000, spanMs: 1_000 },
  { name: "embedded", where: "embedded", timers: 1_000_000, spanMs: 10_000, once: true },
  { name: "over HTTP", where: "http", timers: 200_000, spanMs: 1_000 },
];

interface Round {
  readonly scheduledPerSecond: number;
  readonly firedPerSecond: number;
  readonly account: TimerAccount;
  readonly rssBytes: number;
  /** Of all threads of the node, for each timer. */
  readonly cpuUs: number;
  readonly scheduling: ProfileWindow;
  readonly firing: ProfileWindow;
}

export async function benchTimers(options: BenchOptions): Promise<Report> {
  const rows: string[][] = [];
  const notes: Part[] = [];
  for (const row of ROWS) {
    const timers = Math.ceil((row.timers * options.scale) / PER_MESSAGE) * PER_MESSAGE;
    const rounds = await measure(row, timers, row.once ? 1 : options.rounds);
    const middle = (pick: (round: Round) => number): number => median(rounds.map(pick));
    const worst = (pick: (account: TimerAccount) => number): string =>
      count(Math.max(...rounds.map((round) => pick(round.account))));
    rows.push([
      row.name,
      count(timers),
      `${row.spanMs / 1000} s`,
      count(middle((round) => round.scheduledPerSecond)),
      count(middle((round) => round.firedPerSecond)),
      middle((round) => round.cpuUs).toFixed(1),
      ms(middle((round) => round.account.p50Ms)),
      ms(middle((round) => round.account.p99Ms)),
      worst((account) => account.early),
      worst((account) => timers - account.fired + account.twice),
      `${count(middle((round) => round.rssBytes) / 2 ** 20)} MiB`,
    ]);
    const label = `${row.name}, ${count(timers)} within ${row.spanMs / 1000} s`;
    notes.push(
      raw(
        `${label}, scheduled/s`,
        rounds.map((round) => round.scheduledPerSecond),
      ),
      raw(
        `${label}, fired/s`,
        rounds.map((round) => round.firedPerSecond),
      ),
    );
  }
  const head = [
    ...[
      "timers",
      "count",
      "due within",
      "scheduled/s",
      "fired/s",
      "CPU µs",
      "p50 ms late",
      "p99 ms late",
    ],
    ...["early", "lost or twice", "RSS"],
  ];
  const profiles = options.profile ? await profiled(options) : "";
  return reportOf({ head, rows }, ...notes, profiles);
}

async function measure(row: Row, timers: number, rounds: number): Promise<Round[]> {
  const processes = new Processes();
  const home = await homeOf(processes, row);
  try {
    const node = await home.start();
    const found: Round[] = [];
    for (let n = 0; n < rounds; n++) found.push(await round(node, row, timers));
    return found;
  } finally {
    await processes.end();
    await home.remove();
  }
}

async function profiled({ scale }: BenchOptions): Promise<string> {
  const texts: string[] = [];
  for (const row of ROWS.filter(({ once }) => once !== true)) {
    const timers = Math.ceil((row.timers * scale) / PER_MESSAGE) * PER_MESSAGE;
    const processes = new Processes();
    const home = await homeOf(processes, row);
    try {
      const node = await home.start({ profiled: true });
      const { scheduling, firing } = await round(node, row, timers);
      const profile = await home.profileOf(node);
      const per = { count: timers, unit: "timer" };
      texts.push(
        `\n${profileTables(`${row.name}, scheduling`, summarise(profile, scheduling), per)}`,
        `\n${profileTables(`${row.name}, firing`, summarise(profile, firing), per)}`,
      );
    } finally {
      await processes.end();
      await home.remove();
    }
  }
  return texts.join("");
}

async function homeOf(processes: Processes, row: Row): Promise<NodeHome> {
  if (row.where === "embedded") return await NodeHome.make(processes, { module: EMBEDDED }, MODULE);
  const { port } = await processes.child("functions.js").ask<FunctionsAnswer>({});
  return await NodeHome.make(processes, { port }, MODULE);
}

async function round(node: StartedNode, row: Row, timers: number): Promise<Round> {
  for (let attempt = 1; attempt <= TRIES; attempt++) {
    const headStartMs = (HEAD_START_MS + timers / SCHEDULED_PER_MS) * 2 ** (attempt - 1);
    const found = await tried(node, row, timers, headStartMs);
    if (found !== undefined) return found;
  }
  throw new Error(`${timers} timers were not made before the first was due, ${TRIES} times`);
}

/** @returns undefined when the first timer was due before the last was made */
async function tried(
  { port, program }: StartedNode,
  row: Row,
  timers: number,
  headStartMs: number,
): Promise<Round | undefined> {
  const client = new NodeClient(port);
  try {
    await client.call("bench/account/one", `begin ${timers}`);
    const fromMs = performance.now();
    const baseMs = Date.now() + headStartMs;
    const plan = { total: timers, baseMs, spanMs: row.spanMs, ids: IDS };
    const sends: Promise<void>[] = [];
    for (let first = 0; first < timers; first += PER_MESSAGE) {
      const message: SchedulePlan = { ...plan, first, count: PER_MESSAGE };
      sends.push(client.send(`bench/schedule/s${first}`, JSON.stringify(message)));
    }
    await Promise.all(sends);
    const gauge = "statefold_partition_timers";
    const areMade = async () => (await client.metric(gauge)) >= timers || Date.now() > baseMs;
    const scheduledByMs = await until(areMade);
    const isOver = async () => (await ask(client)).fired >= timers;
    if (Date.now() > baseMs) {
      await until(isOver, 200);
      return undefined;
    }
    await pause(baseMs - Date.now());
    const dueAtMs = performance.now();
    const cpuBefore = await client.metric(CPU);
    const firedByMs = await until(isOver, 200);
    const account = await ask(client);
    const cpuUs = (((await client.metric(CPU)) - cpuBefore) / timers) * 1e6;
    const { peakBytes } = await program.memory();
    return {
      scheduledPerSecond: (timers / (scheduledByMs - fromMs)) * 1000,
      firedPerSecond: (timers / (account.lastAtMs - account.firstAtMs)) * 1000,
      account,
      rssBytes: peakBytes,
      cpuUs,
      scheduling: windowOf(fromMs, scheduledByMs),
      firing: windowOf(dueAtMs, firedByMs),
    };
  } finally {
    await client.close();
  }
}

async function ask(client: NodeClient): Promise<TimerAccount> {
  return JSON.parse(await client.call("bench/account/one", "")) as TimerAccount;
}

/** Looks again and again; gives the time at which it was so. */
async function until(isSo: () => Promise<boolean>, everyMs = 20): Promise<number> {
  const lastMs = performance.now() + GIVE_UP_MS;
  while (performance.now() < lastMs) {
    if (await isSo()) return performance.now();
    await pause(everyMs);
  }
  throw new Error(`it was not so within ${GIVE_UP_MS} ms`);
}
