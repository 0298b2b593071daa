import { availableParallelism, cpus } from "node:os";
import { parseArgs } from "node:util";
import { benchCall } from "./call.ts";
import { benchCodec } from "./codec.ts";
import { benchFrames } from "./frames.ts";
import { benchHops } from "./hops.ts";
import { benchIdle } from "./idle.ts";
import { benchIsolation } from "./isolation.ts";
import { benchKafka } from "./kafka.ts";
import { benchRecovery } from "./recovery.ts";
import { benchSnapshots } from "./snapshots.ts";
import { loadLine } from "./support/machine.ts";
import type { BenchOptions } from "./support/options.ts";
import { benchTimers } from "./timers.ts";

/* npm run bench -- [NAME…] [--rounds 3] [--seconds 2] [--scale 1] [--profile] [--only DISTURBANCE|RATE]… */

const BENCHMARKS: Readonly<Record<string, (options: BenchOptions) => Promise<string>>> = {
  call: benchCall,
  frames: benchFrames,
  hops: benchHops,
  codec: benchCodec,
  timers: benchTimers,
  idle: benchIdle,
  recovery: benchRecovery,
  isolation: benchIsolation,
  kafka: benchKafka,
  snapshots: benchSnapshots,
};

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      rounds: { type: "string", default: "3" },
      seconds: { type: "string", default: "2" },
      scale: { type: "string", default: "1" },
      profile: { type: "boolean", default: false },
      only: { type: "string", multiple: true, default: [] },
    },
  });
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
  if (unknown.length > 0 || !areNumbers) {
    const known = Object.keys(BENCHMARKS).join(", ");
    process.stderr.write(
      `usage: npm run bench -- [NAME…] [--rounds N] [--seconds N] [--scale N] [--profile]\nnames: ${known}\n`,
    );
    process.exitCode = 2;
    return;
  }
  const machine = `${availableParallelism()} × ${cpus()[0]?.model ?? "unknown processor"}`;
  process.stdout.write(
    `Node ${process.version}, ${machine}, medians of ${options.rounds} rounds\n`,
  );
  for (const name of names) {
    const before = loadLine();
    const result = await BENCHMARKS[name]?.(options);
    process.stdout.write(`\n${result}before: ${before}; after: ${loadLine()}\n`);
  }
}

await main();
