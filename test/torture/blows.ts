/** What is done to the processes, one blow after another. Each leaves nothing behind when it resolves. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Rng } from "../support/rng.ts";
import { IdleConnections } from "./connections.ts";
import { limitDescriptors, NOFILE, openDescriptors } from "./descriptors.ts";
import type { Disk } from "./disk.ts";
import type { Subject } from "./subject.ts";

export interface Victims {
  readonly runtime: Subject;
  readonly functions: readonly Subject[];
  readonly disk: Disk;
}

/** How often each may be drawn, beside the others. */
const WEIGHTS = {
  "kill runtime": 6,
  "kill functions": 6,
  "kill both": 5,
  "kill during start": 3,
  "stop runtime": 1,
  "pause runtime": 2,
  "pause functions": 2,
  "fill disk": 2,
  "hold connections": 1,
  "take descriptors": 1,
} as const;

export type Blow = keyof typeof WEIGHTS;

export const BLOWS = Object.keys(WEIGHTS) as readonly Blow[];

/** More than the descriptors that {@link NOFILE} leaves. */
const IDLE_CONNECTIONS = 400;

/** Longer than a drain may take. */
const STOP_TIMEOUT_MS = 45_000;

/** Draws one that this machine allows. */
export function drawBlow(rng: Rng, disk: Disk): Blow {
  const possible = BLOWS.filter((blow) => blow !== "fill disk" || disk.kind !== "none");
  return rng.pick(possible.flatMap((blow) => new Array<Blow>(WEIGHTS[blow]).fill(blow)));
}

export async function strike(blow: Blow, victims: Victims, rng: Rng): Promise<void> {
  const { runtime, functions } = victims;
  const all = [runtime, ...functions];
  for (const subject of all) subject.trouble = blow;
  await STRIKES[blow](victims, rng);
  for (const subject of all) subject.trouble = `just after "${blow}"`;
}

type Strike = (victims: Victims, rng: Rng) => Promise<void>;

const STRIKES: Readonly<Record<Blow, Strike>> = {
  "kill runtime": ({ runtime }) => runtime.kill(),

  "kill functions": ({ functions }, rng) => rng.pick(functions).kill(),

  "kill both": async ({ runtime, functions }, rng) => {
    const some = rng.chance(0.5) ? functions : [rng.pick(functions)];
    await Promise.all(
      rng.shuffle([runtime, ...some]).map(async (subject, i) => {
        await sleep(i * rng.int(20));
        await subject.kill();
      }),
    );
  },

  "kill during start": async ({ runtime, functions }, rng) => {
    const subject = rng.chance(0.8) ? runtime : rng.pick(functions);
    for (let times = 2 + rng.int(2); times > 0; times--) {
      await subject.kill();
      await sleep(20 + rng.int(700));
    }
  },

  "stop runtime": ({ runtime }) => runtime.restart(STOP_TIMEOUT_MS),

  "pause runtime": async ({ runtime }, rng) => {
    const killed = rng.chance(0.4) ? sleep(300).then(() => runtime.kill()) : undefined;
    await Promise.all([runtime.pause(500 + rng.int(2_000)), killed]);
  },

  "pause functions": async ({ functions }, rng) => {
    await rng.pick(functions).pause(500 + rng.int(2_500));
  },

  "fill disk": async ({ runtime, disk }, rng) => {
    // At once, or some bytes later: in the middle of something.
    disk.fill(rng.chance(0.5) ? 0 : rng.int(512 * 1024));
    const untilMs = performance.now() + 300 + rng.int(3_000);
    const end = rng.chance(0.4) ? sleep(rng.int(1_000)).then(() => runtime.kill()) : undefined;
    const told = rng.chance(0.2) ? runtime.restart(STOP_TIMEOUT_MS) : undefined;
    while (performance.now() < untilMs) {
      await sleep(50);
      disk.fill();
    }
    disk.free();
    await Promise.all([end, told]);
  },

  "hold connections": async ({ runtime, functions }, rng) => {
    const held = new IdleConnections();
    held.open(runtime.script.port, IDLE_CONNECTIONS);
    if (rng.chance(0.5)) held.open(rng.pick(functions).script.port, IDLE_CONNECTIONS);
    await sleep(500 + rng.int(2_000));
    if (rng.chance(0.3)) await rng.pick(functions).kill();
    await sleep(500);
    held.close();
  },

  "take descriptors": async ({ runtime, functions }, rng) => {
    const subject = rng.chance(0.7) ? runtime : rng.pick(functions);
    const { pid } = subject.script;
    if (!subject.isReady) return; // node itself does not start without
    // It has some left, or none at all.
    if (!limitDescriptors(pid, openDescriptors(pid) + rng.int(4))) return;
    await sleep(300 + rng.int(1_500));
    limitDescriptors(pid, NOFILE);
  },
};
