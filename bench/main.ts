import { readFileSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus } from "node:os";
import { parseArgs } from "node:util";
import { benchCall } from "./call.ts";
import { benchCodec } from "./codec.ts";
import { benchFrames } from "./frames.ts";
import { benchGrowth } from "./growth.ts";
import { benchHops } from "./hops.ts";
import { benchHot } from "./hot.ts";
import { benchIdle } from "./idle.ts";
import { benchIsolation } from "./isolation.ts";
import { benchKafka } from "./kafka.ts";
import { benchOverload } from "./overload.ts";
import { benchRecovery } from "./recovery.ts";
import { benchSnapshots } from "./snapshots.ts";
import { breakOff } from "./support/leftovers.ts";
import { loadLine } from "./support/machine.ts";
import type { BenchOptions } from "./support/options.ts";
import { pictureOf } from "./support/picture.ts";
import type { Report } from "./support/report.ts";
import { benchTimers } from "./timers.ts";

const USAGE = `usage: npm run bench -- [NAME…] [--rounds 3] [--seconds 2] [--scale 1] [--only WHAT]… [--profile]
                         [--json FILE] [--picture FILE]
       npm run bench -- --from FILE --picture FILE      draws what was written by --json before
`;

const BENCHMARKS: Readonly<Record<string, (options: BenchOptions) => Promise<Report>>> = {
  call: benchCall,
  kafka: benchKafka,
  hops: benchHops,
  hot: benchHot,
  growth: benchGrowth,
  overload: benchOverload,
  frames: benchFrames,
  codec: benchCodec,
  timers: benchTimers,
  idle: benchIdle,
  recovery: benchRecovery,
  isolation: benchIsolation,
  snapshots: benchSnapshots,
};

/** What `--json` writes. */
interface Results {
  readonly machine: string;
  readonly node: string;
  readonly rounds: number;
  readonly benchmarks: Readonly<Record<string, Omit<Report, "text"> & { readonly load: string }>>;
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      rounds: { type: "string", default: "3" },
      seconds: { type: "string", default: "2" },
      scale: { type: "string", default: "1" },
      profile: { type: "boolean", default: false },
      only: { type: "string", multiple: true, default: [] },
      json: { type: "string" },
      picture: { type: "string" },
      from: { type: "string" },
    },
  });
  if (values.from !== undefined && values.picture !== undefined) {
    draw(JSON.parse(readFileSync(values.from, "utf8")) as Results, values.picture);
    return;
  }
  const options = {
    rounds: Number(values.rounds),
    seconds: Number(values.seconds),
    scale: Number(values.scale),
    profile: values.profile,
    only: values.only,
  };
  const names = positionals.length === 0 ? Object.keys(BENCHMARKS) : positionals;
  const unknown = names.filter((name) => !(name in BENCHMARKS));
  const areNumbers = options.rounds >= 1 && options.seconds > 0 && options.scale > 0;
  const drawsNothing = values.picture !== undefined && !names.includes(DRAWN);
  if (unknown.length > 0 || !areNumbers || drawsNothing || values.from !== undefined) {
    process.stderr.write(`${USAGE}names: ${Object.keys(BENCHMARKS).join(", ")}\n`);
    process.exitCode = 2;
    return;
  }
  const machine = `${availableParallelism()} × ${cpus()[0]?.model ?? "unknown processor"}`;
  process.stdout.write(
    `Node ${process.version}, ${machine}, medians of ${options.rounds} rounds\n`,
  );
  let results: Results = {
    ...{ machine, node: process.version, rounds: options.rounds, benchmarks: {} },
  };
  for (const name of names) {
    const before = loadLine();
    const report = await BENCHMARKS[name]?.(options);
    if (report === undefined) continue;
    const load = `before: ${before}; after: ${loadLine()}`;
    process.stdout.write(`\n${report.text}${load}\n`);
    const { tables, rounds } = report;
    const benchmarks = { ...results.benchmarks, [name]: { tables, rounds, load } };
    results = { ...results, benchmarks };
    // After each, so that a long run that breaks off has left what it found.
    if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(results)}\n`);
  }
  if (values.picture !== undefined) draw(results, values.picture);
}

const DRAWN = "call";

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
