/** Runs variants of damage, one for each seed, on copies of a scene. */
import { cpSync, rmSync } from "node:fs";
import { join } from "node:path";
import { examine } from "../../src/doctor/examine.ts";
import type { Finding } from "../../src/doctor/finding.ts";
import { createRng } from "../support/rng.ts";
import { DAMAGES, type Done } from "./damages.ts";
import { type Outcome, outcomeOn, type Scene } from "./scene.ts";

export interface Variant {
  readonly seed: number;
  readonly kind: string;
  readonly done: Done;
  readonly outcome: Outcome;
  /** What the doctor found, before the node was started; notes left out. */
  readonly findings: readonly Finding[];
  /** What is wrong with how it was taken; undefined: nothing. */
  readonly problem: string | undefined;
}

/**
 * @param only the kind of damage; default: the seed picks one
 * @returns undefined when the seed's kind of damage finds nothing to damage
 */
export async function runVariant(
  root: string,
  scene: Scene,
  seed: number,
  only?: string,
): Promise<Variant | undefined> {
  const rng = createRng(seed);
  const picked = rng.pick(Object.keys(DAMAGES));
  const kind = only ?? picked;
  const dir = join(root, `variant-${seed}`);
  cpSync(scene.dir, dir, { recursive: true });
  try {
    const done = DAMAGES[kind]?.(dir, rng, scene);
    if (done === undefined) return undefined;
    const { findings: all } = await examine(dir, 0);
    const findings = all.filter((finding) => finding.kind !== "note");
    const outcome = await outcomeOn(root, dir, scene.told);
    const problem = problemOf(outcome, findings, dir);
    return { seed, kind, done, outcome, findings, problem };
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

function problemOf(outcome: Outcome, findings: readonly Finding[], dir: string) {
  if (outcome.kind === "wrong") return `believed: ${outcome.what}`;
  if (outcome.kind === "intact") return undefined;
  if (!outcome.text.includes(dir)) return `names no file: ${outcome.text}`;
  if (!/restore|put back|accept-loss|choose|move/i.test(outcome.text)) {
    return `says not what to do: ${outcome.text}`;
  }
  return findings.length === 0 ? `the doctor finds nothing: ${outcome.text}` : undefined;
}

export function describeVariant({ seed, kind, done, outcome, problem }: Variant): string {
  const how = outcome.kind === "refused" ? `refused at ${outcome.at}` : outcome.kind;
  return `seed ${seed} ${kind}: ${done.path} ${done.how}: ${how}${problem === undefined ? "" : `; ${problem}`}`;
}
