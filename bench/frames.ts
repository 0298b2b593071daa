import { performance } from "node:perf_hooks";
import { io } from "@statefold/sdk/protocol";
import type { Invoker } from "../src/invoke/contract.ts";
import { openHttpInvoker } from "../src/invoke/http.ts";
import type { Invocation, Outcome } from "../src/model/invocation.ts";
import type { HttpEndpoint } from "../src/spec/module.ts";
import type { FunctionsAnswer } from "./functions.ts";
import type { BenchOptions } from "./support/options.ts";
import { cpuMsOf } from "./support/process-figures.ts";
import { type Child, Processes } from "./support/processes.ts";
import { type Report, reportOf } from "./support/report.ts";
import { count, median } from "./support/table.ts";

/*
 * The way to a function and back, without partition, store and gateway: the node's invoker in this process,
 * the functions in another. One call in a request beside many; what each side spends on a call.
 */
const AT_ONCE = [1, 16, 256];
const IDS = 20_000;

const INT = "io.statefun.types/int";
const { IntWrapper } = io.statefun.sdk.types;
const { PersistedValue } = io.statefun.sdk.reqreply.ToFunction;

interface Round {
  readonly perSecond: number;
  readonly callerUs: number;
  readonly functionUs: number;
}

export async function benchFrames({ rounds, seconds }: BenchOptions): Promise<Report> {
  const processes = new Processes();
  try {
    const functions = processes.child("functions.js");
    const { port } = await functions.ask<FunctionsAnswer>({});
    const ways = [
      {
        name: "one call a request",
        invoker: await openHttpInvoker(endpoint(port, "okhttp"), half),
      },
      { name: "frames", invoker: await openHttpInvoker(endpoint(port, "frames"), half) },
    ];
    const calls = Array.from({ length: IDS }, (_, n) => callOf(`user-${n}`));
    const rows: string[][] = [];
    for (const atOnce of AT_ONCE) {
      const found = ways.map(() => [] as Round[]);
      for (let round = 0; round < rounds + 1; round++) {
        for (const [at, { invoker }] of ways.entries()) {
          const measured = await measure(invoker, functions, calls, atOnce, seconds);
          if (round > 0) found[at]?.push(measured); // the first round warms up
        }
      }
      for (const [at, { name }] of ways.entries()) rows.push(rowOf(name, atOnce, found[at] ?? []));
    }
    await Promise.all(ways.map(({ invoker }) => invoker.close()));
    const head = ["to a function", "at once", "calls/s", "caller µs", "function µs"];
    return reportOf({ head, rows });
  } finally {
    await processes.end();
  }
}

const half = (): number => 0.5;

async function measure(
  invoker: Invoker,
  functions: Child,
  calls: readonly Invocation[],
  atOnce: number,
  seconds: number,
): Promise<Round> {
  const { signal } = new AbortController();
  const functionMs = await cpuMsOf(functions.pid);
  const cpu = process.cpuUsage();
  const beganAtMs = performance.now();
  const endsAtMs = beganAtMs + seconds * 1000;
  let done = 0;
  let next = 0;
  const caller = async (): Promise<void> => {
    while (performance.now() < endsAtMs) {
      const call = calls[next++ % calls.length];
      if (call === undefined) return;
      const outcome = await new Promise<Outcome>((resolve) => {
        invoker.invoke(call, signal, resolve);
      });
      if (outcome.kind !== "reply") throw new Error(JSON.stringify(outcome));
      done++;
    }
  };
  await Promise.all(Array.from({ length: atOnce }, caller));
  const tookMs = performance.now() - beganAtMs;
  const { user, system } = process.cpuUsage(cpu);
  return {
    perSecond: (done / tookMs) * 1000,
    callerUs: (user + system) / done,
    functionUs: (((await cpuMsOf(functions.pid)) - functionMs) * 1000) / done,
  };
}

function rowOf(name: string, atOnce: number, rounds: readonly Round[]): string[] {
  const middle = (pick: (round: Round) => number): number => median(rounds.map(pick));
  return [
    name,
    String(atOnce),
    count(middle((round) => round.perSecond)),
    middle((round) => round.callerUs).toFixed(1),
    middle((round) => round.functionUs).toFixed(1),
  ];
}

function endpoint(port: number, type: "okhttp" | "frames"): HttpEndpoint {
  const forEver = 3_600_000;
  return {
    kind: "http",
    place: { file: "bench", line: 1, column: 1 },
    functions: { namespace: "bench", name: undefined },
    urlPathTemplate: `http://127.0.0.1:${port}/`,
    transport: {
      ...{ type, callMs: forEver, connectMs: forEver, readMs: forEver, writeMs: forEver },
      ...{ poolTtlMs: 0, poolSize: 1024, payloadMaxBytes: 1_000_000 },
      tls: {
        ...{ trustCaCerts: undefined, clientCert: undefined },
        ...{ clientKey: undefined, clientKeyPassword: undefined },
      },
    },
    onFailure: "park",
    retry: { maxAttempts: 1, initialMs: 1, maxMs: 1 },
    concurrency: 1024,
    delivery: "immediate",
    maxNumBatchRequests: 1,
  };
}

/** A call as a node makes it for a caller over HTTP. */
function callOf(id: string): Invocation {
  const target = { type: "bench/counter", id };
  const value = { typename: INT, hasValue: true, value: IntWrapper.encode({ value: 1 }).finish() };
  const state = PersistedValue.encode({ stateName: "count", stateValue: value }).finish();
  return {
    target,
    endpoint: "bench/*",
    state: [Buffer.concat([Buffer.from([0x12, state.byteLength]), state])],
    messages: [
      {
        ...{ target, value, id: "0-1-0123456789", causeId: undefined, traceparent: undefined },
        caller: { type: "io.statefold/call", id: "0-1-0123456789-0123456789abcdef0123456789ab" },
        ...{ acceptedAtMs: 1_700_000_000_000, headers: [], recordAtMs: undefined },
      },
    ],
    attempt: 1,
  };
}
