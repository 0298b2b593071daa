import { availableParallelism, cpus } from "node:os";
import { parseArgs } from "node:util";
import { benchCall } from "./call.ts";
import { benchCodec } from "./codec.ts";
import { benchHops } from "./hops.ts";
import { benchIsolation } from "./isolation.ts";
import type { BenchOptions } from "./support/options.ts";

/* npm run bench -- [NAME…] [--rounds 3] [--seconds 2] [--only DISTURBANCE]… */

const BENCHMARKS: Readonly<Record<string, (options: BenchOptions) => Promise<string>>> = {
  call: benchCall,
  hops: benchHops,
  codec: benchCodec,
  isolation: benchIsolation,
};

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      rounds: { type: "string", default: "3" },
      seconds: { type: "string", default: "2" },
      only: { type: "string", multiple: true, default: [] },
    },
  });
  const { only } = values;
  const options = { rounds: Number(values.rounds), seconds: Number(values.seconds), only };
  const names = positionals.length === 0 ? Object.keys(BENCHMARKS) : positionals;
  const unknown = names.filter((name) => !(name in BENCHMARKS));
  if (unknown.length > 0 || !(options.rounds >= 1) || !(options.seconds > 0)) {
    const known = Object.keys(BENCHMARKS).join(", ");
    process.stderr.write(
      `usage: npm run bench -- [NAME…] [--rounds N] [--seconds N]\nnames: ${known}\n`,
    );
    process.exitCode = 2;
    return;
  }
  const machine = `${availableParallelism()} × ${cpus()[0]?.model ?? "unknown processor"}`;
  process.stdout.write(
    `Node ${process.version}, ${machine}, medians of ${options.rounds} rounds\n`,
  );
  for (const name of names) {
    const result = await BENCHMARKS[name]?.(options);
    process.stdout.write(`\n${result}`);
  }
}

await main();
