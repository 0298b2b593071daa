import { setTimeout as delay, setImmediate as immediately } from "node:timers/promises";
import type { Work } from "./views.ts";

const LOOK_EVERY_MS = 20;
/** Nothing in flight and nothing done for so long: what is left waits for something outside. */
const IDLE_MS = 500;

/** What tells whether a node works. */
export interface Working {
  /** Of each partition, at its own moment; undefined: it is down. */
  work(): Promise<readonly (Work | undefined)[]>;
}

/**
 * Waits until what was accepted is done, or what is left makes no progress (its endpoint is down, its
 * receiver away, it waits for a snapshot), or the time is over. Everything left is durable.
 */
export async function quiet(working: Working, untilMs: number): Promise<void> {
  // What partitions were offered just now is applied in a turn, which comes before this.
  await immediately();
  let before: number | undefined;
  let idleSinceMs = performance.now();
  while (performance.now() < untilMs) {
    const open = (await working.work()).filter((work) => work !== undefined);
    const done = open.reduce(
      (sum, { accepted, finished, uncounted }) => sum + accepted + finished - uncounted,
      0,
    );
    // Partitions are looked at one after the other: one that was done may have been given something by the next.
    // So once more, unless there is but one; and nothing has been taken or done meanwhile.
    if (open.every(isDone) && (open.length <= 1 || done === before)) return;
    const isBusy = open.some(({ inFlight }) => inFlight > 0);
    if (isBusy || done !== before) idleSinceMs = performance.now();
    if (performance.now() - idleSinceMs > IDLE_MS) return;
    const isNearlyDone = open.every(isDone);
    before = done;
    if (!isNearlyDone) await delay(LOOK_EVERY_MS);
  }
}

/** Also that the last of it is durable: what lingers for company would be done again. */
function isDone({ unfinished, held, isSettled }: Work): boolean {
  return unfinished === held && isSettled;
}
