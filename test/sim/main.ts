/**
 * `npm run sim -- [--seeds 1000] [--from 1] [--jobs 1] [--coverage] [--max-failures 5]`: many simulated
 * nodes, one after the other, in one process or several. Exit 1 when a seed failed; with --coverage also
 * when a path was taken by none.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { again, runSeeds, type Seeds } from "./run-seeds.ts";
import { type Failure, Totals, type TotalsData } from "./totals.ts";

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "1000" },
    from: { type: "string", default: "1" },
    step: { type: "string", default: "1" },
    jobs: { type: "string", default: "1" },
    "max-failures": { type: "string", default: "5" },
    coverage: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
  },
});
const jobs = Number(values.jobs);
const seeds: Required<Omit<Seeds, "onFailure">> = {
  ...{ from: Number(values.from), count: Number(values.seeds), step: Number(values.step) },
  maxFailures: Number(values["max-failures"]),
};
const startedMs = performance.now();
const totals = jobs > 1 ? await inProcesses() : await runSeeds({ ...seeds, onFailure: tell });
if (values.json) process.stdout.write(JSON.stringify(totals));
else report();

/** Every `jobs`-th seed in a process of its own. */
async function inProcesses(): Promise<Totals> {
  const all = new Totals();
  const running = Array.from({ length: jobs }, async (_, i) => {
    const count = Math.ceil((seeds.count - i) / jobs);
    if (count <= 0) return;
    const args = {
      seeds: count,
      from: seeds.from + i,
      step: jobs,
      "max-failures": seeds.maxFailures,
    };
    const words = Object.entries(args).flatMap(([name, value]) => [`--${name}`, String(value)]);
    const child = spawn(process.execPath, [fileURLToPath(import.meta.url), "--json", ...words], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const output: Buffer[] = [];
    child.stdout.on("data", (chunk: Buffer) => output.push(chunk));
    await once(child, "close");
    const data: TotalsData = JSON.parse(Buffer.concat(output).toString());
    all.merge(data);
  });
  await Promise.all(running);
  return all;
}

/** On stderr, since what is counted is on stdout. */
function tell({ seed, detail }: Failure): void {
  process.stderr.write(`seed ${seed} fails: ${detail}\nagain: ${again(seed)}\n\n`);
}

function report(): void {
  if (values.coverage) process.stdout.write(totals.coverage());
  const seconds = ((performance.now() - startedMs) / 1_000).toFixed(1);
  process.stdout.write(`${totals.summary()}${seconds} s\n`);
  const isMissing = values.coverage && totals.missing().length > 0;
  process.exitCode = totals.failures.length > 0 || isMissing ? 1 : 0;
}
