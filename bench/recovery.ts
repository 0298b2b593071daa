import { performance } from "node:perf_hooks";
import { setTimeout as pause } from "node:timers/promises";
import type { FunctionsAnswer } from "./functions.ts";
import { bytesOf } from "./idle.ts";
import { NodeHome, type StartedNode } from "./node.ts";
import { slotsUntilBack } from "./support/comeback.ts";
import { type CrowdAnswer, type CrowdQuestion, SLOT_MS } from "./support/crowd.ts";
import { NodeClient } from "./support/http.ts";
import type { BenchOptions } from "./support/options.ts";
import { Processes } from "./support/processes.ts";
import { summarise, windowOf } from "./support/profile.ts";
import { profileTables } from "./support/profile-table.ts";
import { type Part, type Report, raw, reportOf } from "./support/report.ts";
import { count, median } from "./support/table.ts";

/*
 * kill -9 under load. Callers who try again at once keep calling while much mail waits for a function that
 * does not answer; the node is killed, and started again at the same moment on the same data. From the kill:
 * until it says it is ready, until the first caller has an answer, until all together have as many a second
 * as before.
 */
const CALLERS = 64;
const IDS = 10_000;
const PENDING = 100_000;
const PER_FLOOD = 1_000;
/** Of the second row: as many addresses as make a GB. */
const STATE_BYTES = 4_000;
const ADDRESSES = 250_000;
/** Back: a quarter of a second with nine tenths of the answers of the second before the kill. */
const BACK = { before: 1_000 / SLOT_MS, span: 250 / SLOT_MS, share: 0.9 };
const AFTER_MS = 5_000;

interface Round {
  readonly readyMs: number;
  readonly repliedMs: number;
  /** Undefined: not within the time it was watched. */
  readonly backMs: number | undefined;
  /** Of the new node until it was ready: tells more than time on a busy machine. */
  readonly cpuMs: number;
  readonly peakBytes: number;
  readonly perSecond: number;
}

export async function benchRecovery(options: BenchOptions): Promise<Report> {
  const rows: string[][] = [];
  const notes: Part[] = [];
  for (const addresses of [0, Math.ceil(ADDRESSES * options.scale)]) {
    const { cells, parts } = await measure(addresses, options);
    rows.push(cells);
    notes.push(...parts);
  }
  const head = [
    ...[
      "kill -9 with",
      "mail",
      "disk MiB",
      "calls/s",
      "ready ms",
      "CPU ms",
      "first reply ms",
      "max",
    ],
    ...["back ms", "max", "peak MiB"],
  ];
  return reportOf({ head, rows }, ...notes);
}

async function measure(
  addresses: number,
  options: BenchOptions,
): Promise<{ readonly cells: string[]; readonly parts: readonly Part[] }> {
  const processes = new Processes();
  const { port } = await processes.child("functions.js").ask<FunctionsAnswer>({});
  const home = await NodeHome.make(processes, { port });
  try {
    if (addresses > 0) {
      const builder = processes.child("build.js");
      const size = { stateBytes: STATE_BYTES, timerInMs: undefined };
      await builder.ask({ dir: home.data, first: 0, count: addresses, ...size });
      builder.kill();
    }
    let node = await home.start();
    const mail = await flood(node, options.scale);
    const rounds: Round[] = [];
    for (let n = 0; n < options.rounds; n++) {
      const round = await killed(processes, home, node, options.seconds * 1_000);
      node = round.node;
      rounds.push(round);
    }
    const name =
      addresses === 0 ? "little state" : `${count((addresses * STATE_BYTES) / 1e6)} MB of state`;
    const parts: Part[] = [
      raw(
        `${name}, ready ms`,
        rounds.map((round) => round.readyMs),
      ),
      raw(
        `${name}, first reply ms`,
        rounds.map((round) => round.repliedMs),
      ),
      raw(
        `${name}, back ms`,
        rounds.map((round) => round.backMs ?? Number.NaN),
      ),
      raw(
        `${name}, calls/s before`,
        rounds.map((round) => round.perSecond),
      ),
    ];
    if (options.profile) {
      const last = await killed(processes, home, node, options.seconds * 1_000, true);
      const profile = summarise(await home.profileOf(last.node), last.window);
      parts.push(`\n${profileTables(`${name}, from the start to the first reply`, profile)}\n`);
    }
    const disk = await bytesOf(home.data);
    return { cells: cellsOf(name, mail, disk, rounds), parts };
  } finally {
    await processes.end();
    await home.remove();
  }
}

function cellsOf(name: string, mail: number, disk: number, rounds: readonly Round[]): string[] {
  const values = (pick: (round: Round) => number): number[] => rounds.map(pick);
  const middle = (pick: (round: Round) => number): string => count(median(values(pick)));
  const most = (pick: (round: Round) => number): string => count(Math.max(...values(pick)));
  const back = (round: Round): number => round.backMs ?? AFTER_MS;
  return [
    name,
    count(mail),
    count(disk / 2 ** 20),
    middle((round) => round.perSecond),
    middle((round) => round.readyMs),
    middle((round) => round.cpuMs),
    middle((round) => round.repliedMs),
    most((round) => round.repliedMs),
    middle(back),
    most(back),
    middle((round) => round.peakBytes / 2 ** 20),
  ];
}

/** Fills the mailboxes of a function that does not answer. */
async function flood({ port }: StartedNode, scale: number): Promise<number> {
  const client = new NodeClient(port);
  const all = Math.ceil((PENDING * scale) / PER_FLOOD) * PER_FLOOD;
  for (let first = 0; first < all; first += PER_FLOOD) {
    await client.send(`bench/flood/f${first}`, `${first} ${PER_FLOOD}`);
  }
  const pending = (): Promise<number> => client.metric("statefold_partition_pending_messages");
  while ((await pending()) < all) await pause(50);
  await client.close();
  return all;
}

/** One round: load, kill, start. */
async function killed(
  processes: Processes,
  home: NodeHome,
  node: StartedNode,
  loadMs: number,
  profiled = false,
) {
  const crowd = processes.child("support/crowd.js");
  const { port } = node;
  const begin: CrowdQuestion = { kind: "begin", port, callers: CALLERS, ids: IDS };
  await crowd.ask(begin);
  await pause(loadMs);
  await node.program.end("SIGKILL");
  const killedAtMs = performance.now();
  const killedAt = Date.now();
  const next = await home.start({ port, profiled });
  const cpuMs = await next.program.cpuMs();
  await pause(AFTER_MS);
  const { slots, beganAtMs, firstAnswersAtMs } = await crowd.ask<CrowdAnswer>({ kind: "end" });
  crowd.kill();
  const from = Math.ceil((killedAt - beganAtMs) / SLOT_MS);
  const back = slotsUntilBack(slots, from, BACK);
  const repliedMs = Math.min(...firstAnswersAtMs.filter((atMs) => atMs >= killedAt)) - killedAt;
  const lastSecond = slots.slice(Math.max(0, from - BACK.before), from);
  const { peakBytes } = await next.program.memory();
  return {
    node: next,
    window: windowOf(next.program.startedAtMs, killedAtMs + repliedMs),
    readyMs: next.readyAtMs - killedAtMs,
    repliedMs,
    backMs: back === undefined ? undefined : (back + BACK.span) * SLOT_MS,
    cpuMs,
    peakBytes,
    perSecond: lastSecond.reduce((sum, each) => sum + each, 0),
  };
}
