/**
 * `npm run mutants -- [WORD…] [--seeds 2000] [--from 1] [--jobs 1]`: makes each deliberate bug whose name
 * contains a word, in a scratch copy, and lets the simulation find it. Ends with 1 when one survives.
 */
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { describeError } from "../../src/base/errors.ts";
import { MUTANTS } from "./list.ts";
import type { Mutant } from "./mutant.ts";
import { simulate, test, type Verdict } from "./trial.ts";
import { Workshop } from "./workshop.ts";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));

interface Row {
  readonly mutant: Mutant;
  readonly verdict: Verdict;
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seeds: { type: "string", default: "2000" },
    from: { type: "string", default: "1" },
    jobs: { type: "string", default: "1" },
  },
});
const [seeds, from, jobs] = [values.seeds, values.from, values.jobs].map(Number) as [
  number,
  number,
  number,
];
const chosen = MUTANTS.filter(
  ({ name }) => positionals.length === 0 || positionals.some((word) => name.includes(word)),
);
if (chosen.length === 0) throw new Error(`no mutant's name contains ${positionals.join(" or ")}`);

const rows: Row[] = [];
const waiting = [...chosen];
await Promise.all(Array.from({ length: Math.min(jobs, chosen.length) }, work));
rows.sort((a, b) => chosen.indexOf(a.mutant) - chosen.indexOf(b.mutant));
process.stdout.write(`\n${table(rows)}`);
const survivors = rows.filter(({ verdict }) => verdict.kind !== "killed");
const killed = `${rows.length - survivors.length} of ${rows.length} mutants killed`;
const names = survivors.map(({ mutant }) => mutant.name).join(", ");
process.stdout.write(`\n${killed}${names === "" ? "" : `; not ${names}`}\n`);
process.exitCode = survivors.length === 0 ? 0 : 1;

async function work(): Promise<void> {
  const workshop = await Workshop.open(ROOT);
  try {
    for (let mutant = waiting.shift(); mutant !== undefined; mutant = waiting.shift()) {
      const verdict = await judge(workshop, mutant);
      rows.push({ mutant, verdict });
      process.stdout.write(`${mutant.name}: ${say(verdict)}\n`);
    }
  } finally {
    await workshop.close();
  }
}

async function judge(workshop: Workshop, mutant: Mutant): Promise<Verdict> {
  try {
    await workshop.make(mutant);
  } catch (error) {
    return { kind: "untried", reason: describeError(error) };
  }
  const { tests, simulation } = mutant;
  return tests === undefined
    ? await simulate(workshop.dir, from, seeds, simulation)
    : await test(workshop.dir, tests);
}

function say(verdict: Verdict): string {
  if (verdict.kind === "survived") return "SURVIVED";
  if (verdict.kind === "untried") return `UNTRIED: ${verdict.reason}`;
  if (verdict.seeds === undefined) return `killed by ${verdict.reason}`;
  const last = from + verdict.seeds - 1;
  return `killed at seed ${last}, after ${verdict.seeds}: ${verdict.reason}`;
}

/** As the documentation shows it. */
function table(all: readonly Row[]): string {
  const lines = all.map(({ mutant, verdict }) => {
    const isKilled = verdict.kind === "killed";
    const cells = [
      ...[mutant.name, mutant.breaks],
      isKilled ? `${verdict.seeds ?? "–"}` : verdict.kind.toUpperCase(),
      isKilled ? verdict.reason.slice(0, 90) : "",
    ];
    return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |\n`;
  });
  return `| mutant | breaks | seeds | noticed by |\n|---|---|---|---|\n${lines.join("")}`;
}
