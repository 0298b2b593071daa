import type { FunctionsAnswer } from "./functions.ts";
import { NodeHome } from "./node.ts";
import type { ProxyQuestion } from "./proxy.ts";
import type { Shape } from "./requests.ts";
import type { Load, LoadResult } from "./support/load.ts";
import type { BenchOptions } from "./support/options.ts";
import { Processes } from "./support/processes.ts";
import { type Part, type Report, raw, reportOf } from "./support/report.ts";
import { orderOf } from "./support/rotation.ts";
import { count, median, ms, times } from "./support/table.ts";
import { type Spent, spentBy, type Watched, watching } from "./support/watch.ts";

/*
 * Everybody calls the same address: one at a time, says I1, but many messages in one call of its function. A
 * proxy need not care, and hands each request on by itself. `--only` names connections.
 */
const SENDERS = [256, 1024, 4096, 10_000];

interface Subject {
  readonly name: string;
  readonly port: number;
  readonly shape: Shape;
  readonly processes: readonly Watched[];
}

interface Round extends LoadResult {
  readonly spent: readonly Spent[];
}

export async function benchHot({ rounds, seconds, only }: BenchOptions): Promise<Report> {
  const processes = new Processes();
  const functions = processes.child("functions.js");
  const { port: functionPort } = await functions.ask<FunctionsAnswer>({});
  const home = await NodeHome.make(processes, { port: functionPort });
  try {
    const behind: Watched = { role: "functions", pid: functions.pid };
    const child = processes.child("proxy.js");
    const proxy = await child.ask<{ port: number }>({ functionPort } satisfies ProxyQuestion);
    const node = await home.start();
    const beside: Watched = { role: "runtime", pid: child.pid };
    const own: Watched = { role: "runtime", pid: node.program.pid };
    const subjects: Subject[] = [
      { name: "plain proxy", port: proxy.port, shape: "protocol", processes: [beside, behind] },
      { name: "statefold", port: node.port, shape: "call", processes: [own, behind] },
    ];
    const rows: string[][] = [];
    const notes: Part[] = [];
    for (const connections of only.length === 0 ? SENDERS : only.map(Number)) {
      const found = new Map(subjects.map((subject) => [subject, [] as Round[]]));
      for (let round = 0; round <= rounds; round++) {
        for (const subject of orderOf(subjects, round)) {
          const measured = await run(processes, subject, connections, seconds * 1000);
          if (round > 0) found.get(subject)?.push(measured); // the first warms up
        }
      }
      const [base = []] = found.values();
      for (const [{ name }, of] of found) {
        rows.push(rowOf(name, connections, of, base));
        const perSecond = of.map((each) => each.perSecond);
        notes.push(raw(`${name}, ${connections} senders, calls/s`, perSecond));
      }
    }
    const head = [
      ...["one address", "senders", "calls/s", "to the proxy", "p50 ms", "p99 ms", "p99.9 ms"],
      ...["CPU µs", "functions CPU µs", "peak MiB", "errors"],
    ];
    return reportOf({ head, rows }, ...notes);
  } finally {
    await processes.end();
    await home.remove();
  }
}

async function run(
  processes: Processes,
  { port, shape, processes: watched }: Subject,
  connections: number,
  measureMs: number,
): Promise<Round> {
  const load: Load = {
    ...{ port, shape, connections, ids: 1 },
    // Connections come one after the other.
    ...{ warmUpMs: measureMs / 2 + connections / 2, measureMs },
  };
  const generator = processes.child("support/load.js");
  const { result, spent } = await watching(watched, () => generator.ask<LoadResult>(load));
  generator.kill();
  return { ...result, spent };
}

function rowOf(
  name: string,
  connections: number,
  rounds: readonly Round[],
  base: readonly Round[],
): string[] {
  const middle = (pick: (round: Round) => number): number => median(rounds.map(pick));
  const cpuUs = (role: Watched["role"]): string =>
    count(middle((each) => (spentBy(each.spent, role).cpuMs / each.answers) * 1000));
  const ratios = rounds.map(({ perSecond }, at) => perSecond / (base[at]?.perSecond ?? Number.NaN));
  const errors = rounds.reduce((sum, each) => sum + each.errors, 0);
  const firstError = rounds.find((each) => each.firstError !== undefined)?.firstError ?? "";
  return [
    name,
    count(connections),
    count(middle((each) => each.perSecond)),
    times(median(ratios)),
    ms(middle((each) => each.p50Ms)),
    ms(middle((each) => each.p99Ms)),
    ms(middle((each) => each.p999Ms)),
    cpuUs("runtime"),
    cpuUs("functions"),
    count(middle((each) => spentBy(each.spent, "runtime").peakBytes) / 2 ** 20),
    errors === 0 ? "0" : `${errors}: ${firstError.replaceAll(/\s+/g, " ").slice(0, 100)}`,
  ];
}
