import { connect } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { FunctionsAnswer } from "./functions.ts";
import { NodeHome } from "./node.ts";
import { tokenRequest } from "./requests.ts";
import { AnswerReader } from "./support/answer-reader.ts";
import { NodeClient } from "./support/http.ts";
import type { BenchOptions } from "./support/options.ts";
import { Processes } from "./support/processes.ts";
import { type Part, type Report, raw, reportOf } from "./support/report.ts";
import { count, median } from "./support/table.ts";
import { type Spent, spentBy, type Watched, watching } from "./support/watch.ts";

/*
 * Function to function: tokens round rings of addresses. Each hop is one message, one call, one message
 * sent. One token shows the latency of a hop, many what the node can carry. The tokens of a row go on
 * for ever, so each row has a node and functions of its own. `--only` names numbers of tokens.
 */
const TOKENS = [1, 16, 256, 1000];
const RING_SIZE = 100;
const FOR_EVER = 2 ** 31 - 1;
const HANDLED = "statefold_partition_handled_messages_total";
const EMBEDDED = fileURLToPath(new URL("hop-functions.js", import.meta.url));

interface Round {
  readonly perSecond: number;
  readonly hops: number;
  readonly spent: readonly Spent[];
}

export async function benchHops(options: BenchOptions): Promise<Report> {
  const rows: string[][] = [];
  const notes: Part[] = [];
  for (const where of ["over frames", "embedded"] as const) {
    for (const tokens of options.only.length === 0 ? TOKENS : options.only.map(Number)) {
      const rounds = await roundsOf(where, tokens, options);
      const rate = median(rounds.map(({ perSecond }) => perSecond));
      const cpuUs = (role: Watched["role"]): string =>
        count(median(rounds.map((each) => (spentBy(each.spent, role).cpuMs / each.hops) * 1000)));
      rows.push([
        ...[where, String(tokens), String(RING_SIZE), count(rate)],
        ...[((tokens / rate) * 1000).toFixed(2), cpuUs("runtime"), cpuUs("functions")],
        count(median(rounds.map(({ spent }) => spentBy(spent, "runtime").peakBytes)) / 2 ** 20),
      ]);
      notes.push(
        raw(
          `${where}, ${tokens} tokens, hops/s`,
          rounds.map(({ perSecond }) => perSecond),
        ),
      );
    }
  }
  const head = [
    ...["hops", "tokens", "ring size", "hops/s", "ms a hop"],
    ...["CPU µs", "functions CPU µs", "peak MiB"],
  ];
  return reportOf({ head, rows }, ...notes);
}

async function roundsOf(
  where: "over frames" | "embedded",
  tokens: number,
  { rounds, seconds }: BenchOptions,
): Promise<Round[]> {
  const processes = new Processes();
  const watched: Watched[] = [];
  let at: { readonly port: number } | { readonly module: string } = { module: EMBEDDED };
  if (where === "over frames") {
    const functions = processes.child("functions.js");
    at = await functions.ask<FunctionsAnswer>({});
    watched.push({ role: "functions", pid: functions.pid });
  }
  const home = await NodeHome.make(processes, at);
  try {
    const { port, program } = await home.start();
    watched.push({ role: "runtime", pid: program.pid });
    for (let ring = 0; ring < tokens; ring++) {
      await send(port, tokenRequest(`${ring}.0.${RING_SIZE}`, FOR_EVER));
    }
    await pause(seconds * 500);
    const client = new NodeClient(port);
    const found: Round[] = [];
    for (let round = 0; round < rounds; round++) {
      found.push(await roundOf(client, watched, seconds * 1000));
    }
    await client.close();
    return found;
  } finally {
    await processes.end();
    await home.remove();
  }
}

async function roundOf(
  client: NodeClient,
  watched: readonly Watched[],
  measureMs: number,
): Promise<Round> {
  const { result, spent } = await watching(watched, async () => {
    const before = await client.metric(HANDLED);
    const beganAtMs = performance.now();
    await pause(measureMs);
    const hops = (await client.metric(HANDLED)) - before;
    return { hops, perSecond: (hops / (performance.now() - beganAtMs)) * 1000 };
  });
  return { ...result, spent };
}

function send(port: number, request: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: "127.0.0.1" }, () => socket.write(request));
    const reader = new AnswerReader();
    socket.on("data", (chunk) => {
      const answer = reader.take(chunk);
      if (answer === undefined) return;
      socket.destroy();
      if (answer.status === 202) resolve();
      else reject(new Error(`a token was answered ${answer.bytes.toString()}`));
    });
    socket.on("error", reject);
  });
}
