import { readFileSync } from "node:fs";
import { DISTURBANCES } from "./isolation/disturbances.ts";
import { type Measured, Stage } from "./isolation/stage.ts";
import type { BenchOptions } from "./support/options.ts";
import { type Report, reportOf } from "./support/report.ts";
import { median, ms } from "./support/table.ts";

/*
 * I6: what everybody else notices while one address, type or endpoint makes trouble. Calls go out at a
 * fixed rate, well below what the node can do, before, while and after each disturbance; a node, its
 * functions and the callers are processes of their own, new ones for each. Every round goes through all
 * disturbances, so that a noisy machine is noisy for all, and "nothing" says how noisy it was. Nothing
 * may be lost: each disturbance ends with an account, and throws when it does not come out. `--only` names
 * disturbances.
 */
const CALLS_PER_SECOND = 200;

type Phase = "before" | "during" | "after";
const PHASES: readonly Phase[] = ["before", "during", "after"];

interface Run {
  readonly name: string;
  readonly phases: Readonly<Record<Phase, Measured>>;
  readonly load: string;
}

export async function benchIsolation({ rounds, seconds, only }: BenchOptions): Promise<Report> {
  const wanted = Object.keys(DISTURBANCES).filter(
    (name) => only.length === 0 || only.includes(name),
  );
  const runs = new Map<string, Run[]>(wanted.map((name) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (const [name, found] of runs) found.push(await disturb(name, seconds * 1000));
  }
  const rows = [...runs.values()].flatMap(rowsOf);
  const head = [
    "disturbance",
    "phase",
    "p50 ms",
    "p99 ms",
    "p99.9 ms",
    "max ms",
    "errors",
    "node CPU",
  ];
  return reportOf({ head: [...head, "p99 to before", "load"], rows });
}

async function disturb(name: string, forMs: number): Promise<Run> {
  const disturbance = DISTURBANCES[name]?.();
  if (disturbance === undefined) throw new Error(`there is no disturbance ${name}`);
  const stage = await Stage.open(CALLS_PER_SECOND);
  try {
    await stage.measure(forMs); // warms up
    const before = await stage.measure(forMs);
    const ending = new AbortController();
    const running = disturbance.run(stage, ending.signal);
    running.catch(() => {}); // awaited below
    const during = await stage.measure(forMs);
    ending.abort();
    await running;
    await disturbance.mend(stage);
    const after = await stage.measure(forMs);
    const load = readFileSync("/proc/loadavg", "utf8").split(" ")[0] ?? "";
    return { name: disturbance.name, phases: { before, during, after }, load };
  } finally {
    await stage.close();
  }
}

function rowsOf(runs: readonly Run[]): string[][] {
  return PHASES.map((phase) => {
    const found = runs.map((run) => run.phases[phase]);
    const middle = (pick: (each: Measured) => number) => median(found.map(pick));
    const errors = found.reduce((sum, each) => sum + each.errors, 0);
    const firstError = found.find((each) => each.firstError !== undefined)?.firstError ?? "";
    const ratio = median(runs.map((run) => run.phases[phase].p99Ms / run.phases.before.p99Ms));
    return [
      phase === "before" ? (runs[0]?.name ?? "") : "",
      phase,
      ms(middle((each) => each.p50Ms)),
      ms(middle((each) => each.p99Ms)),
      ms(middle((each) => each.p999Ms)),
      ms(middle((each) => each.maxMs)),
      errors === 0 ? "0" : `${errors}: ${firstError.replaceAll(/\s+/g, " ").slice(0, 80)}`,
      `${(middle((each) => each.nodeCpu) * 100).toFixed(0)} %`,
      phase === "before" ? "" : ratio.toFixed(1),
      phase === "before" ? runs.map((run) => run.load).join(" ") : "",
    ];
  });
}
