/** Blow upon blow, as the seed draws them, until there were enough of each kind of kill and the time is over. */
import { setTimeout as sleep } from "node:timers/promises";
import { createRng } from "../support/rng.ts";
import { type Blow, drawBlow, strike, type Victims } from "./blows.ts";
import type { Load } from "./load.ts";

/** Between two blows so many messages are accepted, at least. */
const ACCEPTED_BETWEEN = 20;
/** A deadline for what has gone wrong, not an expectation. */
const STUCK_AFTER_MS = 60_000;

export interface StormOptions {
  readonly victims: Victims;
  readonly load: Load;
  readonly seed: number;
  readonly seconds: number;
  readonly kills: number;
  /** With which it begins. */
  readonly first: readonly Blow[];
  /** Told before each blow. */
  readonly onBlow: (blow: Blow) => void;
}

export interface StormResult {
  readonly blows: ReadonlyMap<Blow, number>;
  readonly violations: readonly string[];
}

export async function storm(options: StormOptions): Promise<StormResult> {
  const { victims, load, first, onBlow } = options;
  const rng = createRng(options.seed);
  const blows = new Map<Blow, number>();
  const untilMs = performance.now() + options.seconds * 1000;
  for (let i = 0; i < first.length || performance.now() < untilMs || isShort(options); i++) {
    const blow = first[i] ?? drawBlow(rng, victims.disk);
    if (blow === "fill disk" && victims.disk.kind === "none") continue;
    blows.set(blow, (blows.get(blow) ?? 0) + 1);
    onBlow(blow);
    await strike(blow, victims, rng);
    const wanted = load.accepted + ACCEPTED_BETWEEN + rng.int(ACCEPTED_BETWEEN);
    if (!(await reaches(load, wanted))) {
      return { blows, violations: [`after "${blow}" nothing was accepted for a minute`] };
    }
    await sleep(rng.int(400));
  }
  return { blows, violations: [] };
}

function isShort({ victims, kills }: StormOptions): boolean {
  const ofFunctions = victims.functions.reduce((sum, each) => sum + each.kills, 0);
  return victims.runtime.kills < kills || ofFunctions < kills;
}

async function reaches(load: Load, accepted: number): Promise<boolean> {
  const deadlineMs = performance.now() + STUCK_AFTER_MS;
  while (load.accepted < accepted) {
    if (performance.now() > deadlineMs) return false;
    await sleep(10);
  }
  return true;
}
