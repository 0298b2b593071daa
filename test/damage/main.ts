/** `npm run damage -- [variants] [first seed] [kind] [--verbose]`: damages data directories and says what became of each. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeScene } from "./scene.ts";
import { describeVariant, runVariant } from "./variants.ts";

const [count = 1_000, first = 1] = process.argv.slice(2, 4).map(Number);
const only = process.argv[4];
const isVerbose = process.argv.includes("--verbose");
const root = mkdtempSync(join(tmpdir(), "statefold-damage-"));
const outcomes = new Map<string, number>();
let problems = 0;
try {
  const scene = await makeScene(root);
  for (let seed = first; seed < first + count; seed++) {
    const variant = await runVariant(root, scene, seed, only);
    if (variant === undefined) continue;
    const { outcome, kind, problem } = variant;
    const name = `${kind}: ${outcome.kind === "refused" ? `refused at ${outcome.at}` : outcome.kind}`;
    outcomes.set(name, (outcomes.get(name) ?? 0) + 1);
    if (problem !== undefined) problems++;
    if (problem !== undefined || isVerbose) process.stdout.write(`${describeVariant(variant)}\n`);
  }
} finally {
  rmSync(root, { recursive: true, force: true });
}
for (const [name, times] of [...outcomes].sort()) process.stdout.write(`${name}: ${times}\n`);
process.stdout.write(`${problems} problems\n`);
process.exitCode = problems === 0 ? 0 : 1;
