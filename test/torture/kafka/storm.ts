/**
 * Kills, as the seed draws them: so many of each kind, in any order, each when the work has come so far, or a
 * moment after the one before, while that one's victim is still coming back.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { createRng, type Rng } from "../../support/rng.ts";
import type { Subject } from "../subject.ts";
import type { Tail } from "./tail.ts";

export const VICTIMS = ["runtime", "functions", "broker"] as const;
export type Victim = (typeof VICTIMS)[number];

export interface Kill {
  readonly victim: Victim;
  /** Orders that are counted by then … */
  readonly atCount: number;
  /** … and how long after that. */
  readonly afterMs: number;
}

/** Of the kills, how many come upon the one before. */
const UPON_SHARE = 0.3;
const UPON_MS = 4_000;
const AFTER_MS = 400;
/** A deadline for what has gone wrong, not an expectation. */
const STUCK_AFTER_MS = 600_000;

/** @param orders within which they happen */
export function drawKills(rng: Rng, kills: number, orders: number): Kill[] {
  const victims = rng.shuffle(VICTIMS.flatMap((victim) => new Array<Victim>(kills).fill(victim)));
  const counts = victims.map(() => rng.int(orders)).sort((a, b) => a - b);
  let last = 0;
  return victims.map((victim, i) => {
    const isUpon = i > 0 && rng.chance(UPON_SHARE);
    last = isUpon ? last : (counts[i] ?? last);
    return { victim, atCount: last, afterMs: rng.int(isUpon ? UPON_MS : AFTER_MS) };
  });
}

export interface StormOptions {
  readonly runtime: Subject;
  readonly functions: readonly Subject[];
  readonly broker: Subject;
  readonly tail: Tail;
  readonly seed: number;
  readonly kills: number;
  readonly orders: number;
  /** Told before each. */
  readonly onKill: (kill: Kill) => Promise<void>;
}

/** @throws Error when nothing moves for minutes */
export async function storm(options: StormOptions): Promise<void> {
  const { runtime, functions, broker, tail, seed, kills, orders, onKill } = options;
  const rng = createRng(seed);
  for (const kill of drawKills(rng, kills, orders)) {
    const { victim, atCount, afterMs } = kill;
    while (tail.counted < atCount) {
      if (tail.stillForMs > STUCK_AFTER_MS) throw new Error("nothing has moved for minutes");
      await sleep(10);
    }
    await sleep(afterMs);
    await onKill(kill);
    for (const subject of [runtime, ...functions, broker]) subject.trouble = `kill ${victim}`;
    const which = rng.pick(functions); // drawn for each, so that the others stay the same
    await killed({ runtime, functions: which, broker }[victim]);
  }
}

/** Once more than before: where it is down already, as it comes back. */
async function killed(subject: Subject): Promise<void> {
  const { kills } = subject;
  for (;;) {
    await subject.kill();
    if (subject.kills > kills) return;
    await sleep(10);
  }
}
