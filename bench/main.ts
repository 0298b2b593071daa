import { writeFileSync } from "node:fs";
import { availableParallelism, cpus } from "node:os";
import { benchCall } from "./call.ts";
import { benchCodec } from "./codec.ts";
import { benchFrames } from "./frames.ts";
import { benchGrowth } from "./growth.ts";
import { benchHops } from "./hops.ts";
import { benchHot } from "./hot.ts";
import { benchIdle } from "./idle.ts";
import { DISTURBANCES } from "./isolation/disturbances.ts";
import { benchIsolation } from "./isolation.ts";
import { benchKafka } from "./kafka.ts";
import { benchOverload } from "./overload.ts";
import { benchRecovery } from "./recovery.ts";
import { benchSnapshots } from "./snapshots.ts";
import { DRAWN, type Only, readCommandLine } from "./support/command-line.ts";
import { breakOff } from "./support/leftovers.ts";
import { loadLine } from "./support/machine.ts";
import type { BenchOptions } from "./support/options.ts";
import { pictureOf } from "./support/picture.ts";
import type { Report } from "./support/report.ts";
import { settingsLine, settingsOf } from "./support/settings.ts";
import { benchTimers } from "./timers.ts";

interface Benchmark {
  readonly run: (options: BenchOptions) => Promise<Report>;
  /** What `--only` may name. Default: nothing. */
  readonly only?: Only;
}

const CONNECTIONS: Only = { numbers: "connections" };

const BENCHMARKS: Readonly<Record<string, Benchmark>> = {
  call: { run: benchCall, only: CONNECTIONS },
  kafka: { run: benchKafka, only: { numbers: "records a second", words: ["drain"] } },
  hops: { run: benchHops, only: { numbers: "tokens" } },
  hot: { run: benchHot, only: CONNECTIONS },
  growth: { run: benchGrowth },
  overload: { run: benchOverload, only: CONNECTIONS },
  frames: { run: benchFrames },
  codec: { run: benchCodec },
  timers: { run: benchTimers },
  idle: { run: benchIdle },
  recovery: { run: benchRecovery },
  isolation: { run: benchIsolation, only: { words: Object.keys(DISTURBANCES) } },
  snapshots: { run: benchSnapshots },
};

const USAGE = `usage: npm run bench -- [NAME…] [--rounds 3] [--seconds 2] [--scale 1] [--only WHAT]… [--profile]
                         [--json FILE] [--picture FILE]
       npm run bench -- --from FILE --picture FILE      draws what was written by --json before
names: ${Object.keys(BENCHMARKS).join(", ")}; all of them when none is given
docs/performance.md says what each measures, and what --only means to it
`;

/** What `--json` writes. */
interface Results {
  readonly machine: string;
  readonly node: string;
  readonly rounds: number;
  /** What reached the nodes from outside. */
  readonly settings: Readonly<Record<string, string>>;
  readonly benchmarks: Readonly<Record<string, Omit<Report, "text"> & { readonly load: string }>>;
}

async function main(): Promise<void> {
  const onlyOf = Object.entries(BENCHMARKS).map(([name, { only }]) => [name, only]);
  const asked = readCommandLine(process.argv.slice(2), Object.fromEntries(onlyOf));
  switch (asked.kind) {
    case "help":
      process.stdout.write(USAGE);
      return;
    case "wrong":
      process.stderr.write(`${asked.message}\n`);
      process.exitCode = 2;
      return;
    case "draw":
      draw(asked.results as Results, asked.picture);
      return;
    case "measure":
      return await measure(asked.names, asked.options, asked);
  }
}

async function measure(
  names: readonly string[],
  options: BenchOptions,
  { json, picture }: { readonly json: string | undefined; readonly picture: string | undefined },
): Promise<void> {
  const machine = `${availableParallelism()} × ${cpus()[0]?.model ?? "unknown processor"}`;
  const settings = settingsOf();
  process.stdout.write(
    `Node ${process.version}, ${machine}, medians of ${options.rounds} rounds\n${settingsLine(settings)}`,
  );
  let results: Results = {
    ...{ machine, node: process.version, rounds: options.rounds, settings, benchmarks: {} },
  };
  for (const name of names) {
    const before = loadLine();
    const report = await BENCHMARKS[name]?.run(options);
    if (report === undefined) continue;
    const load = `before: ${before}; after: ${loadLine()}`;
    process.stdout.write(`\n${report.text}${load}\n`);
    const { tables, rounds } = report;
    const benchmarks = { ...results.benchmarks, [name]: { tables, rounds, load } };
    results = { ...results, benchmarks };
    // After each, so that a long run that breaks off has left what it found.
    if (json !== undefined) writeFileSync(json, `${JSON.stringify(results)}\n`);
  }
  if (picture !== undefined) draw(results, picture);
}

function draw({ benchmarks, machine }: Results, file: string): void {
  writeFileSync(file, pictureOf(benchmarks[DRAWN]?.tables[0] ?? [], machine));
}

/** A signal has come: what fails from now on was ended, and is no failure. */
let isBrokenOff = false;
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => {
    if (isBrokenOff) process.exit(1); // at once, then
    isBrokenOff = true;
    void breakOff().finally(() => process.exit(1));
  });
}
process.on("unhandledRejection", (error) => {
  if (!isBrokenOff) throw error;
});

await main().catch((error: unknown) => {
  if (!isBrokenOff) throw error;
});
