import { connect } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import type { FunctionsAnswer } from "./functions.ts";
import { startNode } from "./node.ts";
import { tokenRequest } from "./requests.ts";
import { AnswerReader } from "./support/answer-reader.ts";
import type { BenchOptions } from "./support/options.ts";
import { type Child, Processes } from "./support/processes.ts";
import { count, median, table } from "./support/table.ts";

/*
 * Function to function: tokens round rings of addresses. Each hop is one message, one call, one message
 * sent. One token shows the latency of a hop, many what the node can carry. The tokens of a row go on
 * for ever, so each row has a node and functions of its own.
 */
const TOKENS = [1, 16, 256];
const RING_SIZE = 100;
const FOR_EVER = 2 ** 31 - 1;

export async function benchHops(options: BenchOptions): Promise<string> {
  const rows: string[][] = [];
  for (const tokens of TOKENS) {
    const rates = await hopsPerSecond(tokens, options);
    if (rates === undefined) return "statefold is not there yet: its command line is not built\n";
    const rate = median(rates);
    rows.push([
      String(tokens),
      String(RING_SIZE),
      count(rate),
      ((tokens / rate) * 1000).toFixed(2),
    ]);
  }
  return table(["tokens", "ring size", "hops/s", "ms a hop"], rows);
}

async function hopsPerSecond(
  tokens: number,
  { rounds, seconds }: BenchOptions,
): Promise<number[] | undefined> {
  const processes = new Processes();
  let removeData: () => Promise<void> = async () => {};
  try {
    const functions = processes.child("functions.js");
    const { port } = await functions.ask<FunctionsAnswer>({});
    const node = await startNode(processes, port);
    if (node === undefined) return undefined;
    removeData = node.removeData;
    for (let ring = 0; ring < tokens; ring++) {
      await send(node.port, tokenRequest(`${ring}.0.${RING_SIZE}`, FOR_EVER));
    }
    await pause(seconds * 500);
    const rates: number[] = [];
    for (let round = 0; round < rounds; round++) rates.push(await rateOf(functions, seconds));
    return rates;
  } finally {
    await processes.end();
    await removeData();
  }
}

async function rateOf(functions: Child, seconds: number): Promise<number> {
  const before = await functions.ask<FunctionsAnswer>({});
  const startedAtMs = performance.now();
  await pause(seconds * 1000);
  const after = await functions.ask<FunctionsAnswer>({});
  return ((after.hops - before.hops) / (performance.now() - startedAtMs)) * 1000;
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
