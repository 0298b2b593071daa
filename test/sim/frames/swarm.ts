/** Whether the functions of a seed take many calls in one request, and how what is between misbehaves. */
import type { Rng } from "../../support/rng.ts";

export const FRAMES_FAULTS = [
  ...(["framesLost", "framesCut", "framesForgotten", "framesTooLarge", "frameMissing"] as const),
  ...(["framesGarbled", "framesGathered", "frameHangs", "frameFails"] as const),
] as const;

export type FramesFault = (typeof FRAMES_FAULTS)[number];

export interface FramesSwarm {
  readonly faults: Readonly<Record<FramesFault, number>>;
  /** The module says frames: they are tried before they are offered. */
  readonly isAssumed: boolean;
  /** A request's way, and an answer's, at most. */
  readonly wayMs: number;
  /** How long a function takes at most. */
  readonly workMs: number;
}

/** Two in five of those that have no Kafka. Drawn apart, so that the others stay as they are. */
export function drawFrames(rng: Rng): FramesSwarm | undefined {
  if (!rng.chance(0.4)) return undefined;
  const faults = Object.fromEntries(FRAMES_FAULTS.map((fault) => [fault, 0])) as Record<
    FramesFault,
    number
  >;
  const kind = rng.int(4);
  if (kind === 1) faults[rng.pick(FRAMES_FAULTS)] = 0.5 + rng.random() * 0.5;
  else if (kind > 1) {
    const share = rng.pick([0.2, 0.5]);
    for (const fault of FRAMES_FAULTS) if (rng.chance(share)) faults[fault] = rng.random() * 0.5;
  }
  return {
    faults,
    isAssumed: rng.chance(0.3),
    wayMs: 0.2 + rng.random() * 5,
    workMs: rng.pick([0.5, 20, 60]),
  };
}
