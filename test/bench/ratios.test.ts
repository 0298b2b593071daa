import assert from "node:assert/strict";
import { test } from "node:test";
import { type Round as CallRound, callAims, rowsOf } from "../../bench/call/rows.ts";
import {
  drainAims,
  drainRow,
  type Round as KafkaRound,
  steadyAims,
} from "../../bench/kafka/rows.ts";
import type { Spent } from "../../bench/support/watch.ts";

const spent = (runtimeMs: number, peakMib: number): Spent[] => [
  { role: "runtime", cpuMs: runtimeMs, peakBytes: peakMib * 2 ** 20 },
  { role: "functions", cpuMs: 10, peakBytes: 2 ** 20 },
];

function call(perSecond: number, p99Ms: number): CallRound {
  return {
    ...{ perSecond, p50Ms: p99Ms / 2, p99Ms, p999Ms: p99Ms * 2, maxMs: p99Ms * 3 },
    ...{ errors: 0, firstError: undefined, answers: 1_000, cpuMs: 20, machineLoad: 1 },
    spent: spent(100, 50),
  };
}

test("a row tells rates, latencies, and what each process took for a call", () => {
  const rounds = new Map([["plain proxy", [call(1_000, 10), call(2_000, 20), call(3_000, 30)]]]);
  const [row] = rowsOf(16, rounds);
  assert.deepEqual(row, [
    ...["plain proxy", "16", "2 000", "–", "1.00", "–"],
    ...["10.0", "20.0", "40.0", "100", "10", "20", "50", "1", "0"],
  ]);
});

test("ratios are those of rounds, so that a round that was slow for all says nothing", () => {
  const rounds = new Map([
    ["plain proxy", [call(1_000, 10), call(100, 100), call(1_000, 10)]],
    ["statefold", [call(2_000, 5), call(200, 50), call(1_900, 5)]],
  ]);
  const lines = callAims(256, rounds);
  assert.deepEqual(lines, [
    "  aim, statefold, 256 connections, throughput to the proxy's, at least 1.75: 2.00, met\n",
    "  aim, statefold, 256 connections, p99 to the proxy's, below 1: 0.50, met\n",
  ]);
});

test("there is no aim beside a neighbour who is not there", () => {
  assert.deepEqual(callAims(256, new Map([["statefold", [call(1, 1)]]])), []);
  assert.deepEqual(drainAims(new Map([["statefold, exactly once", [record(1, 1, 1)]]])), []);
});

function record(perSecond: number, cpuMs: number, peakMib: number): KafkaRound {
  return {
    ...{ p50Ms: 1, p99Ms: perSecond, p999Ms: 3, maxMs: 4, records: 1_000, lost: 0, twice: 0 },
    ...{ writtenLateMs: 0, fromMs: 0, untilMs: 1, cpuMs: 1, machineLoad: 1 },
    ...{ tookMs: 1e6 / perSecond, spent: spent(cpuMs, peakMib) },
  };
}

test("a backlog is compared with that of StateFun in rate, processor time and memory", () => {
  const rounds = new Map([
    ["statefold, official SDK, exactly once", [record(6_000, 50, 200)]],
    ["StateFun, official SDK, exactly once", [record(3_000, 220, 900)]],
  ]);
  assert.deepEqual(
    drainAims(rounds).map((line) => line.slice(line.lastIndexOf(":") + 2, -1)),
    ["2.00, met", "0.23, met", "0.22, met"],
  );
  const row = drainRow("statefold, official SDK, exactly once", rounds);
  assert.deepEqual(row.slice(1), ["1 000", "6 000", "2.00", "50", "10", "–", "200", "0"]);
});

test("the latency of an aim is that at its rate", () => {
  const rounds = new Map([
    ["statefold, official SDK, exactly once", [record(40, 1, 1)]],
    ["StateFun, official SDK, exactly once", [record(1_000, 1, 1)]],
  ]);
  assert.match(steadyAims(1_000, rounds).join(""), /at most 0.05: 0.04, met/);
  assert.deepEqual(steadyAims(100, rounds), []);
});
