import { setTimeout as delay, setImmediate as immediately } from "node:timers/promises";
import type { Partition } from "../partition/partition.ts";

const LOOK_EVERY_MS = 20;
/** Nothing in flight and nothing done for so long: what is left waits for something outside. */
const IDLE_MS = 500;

/** What tells whether a node works. */
export interface Working {
  readonly hosts: readonly { readonly partition: OpenPartition | undefined }[];
}

interface OpenPartition {
  readonly unfinished: number;
  readonly epochs: Pick<Partition["epochs"], "isCommitting" | "dirtySinceMs">;
  readonly ledger: Pick<Partition["ledger"], "finished">;
  readonly delivery: Pick<Partition["delivery"], "inFlight">;
  readonly outboxes: Pick<Partition["outboxes"], "held">;
}

/**
 * Waits until what was accepted is done, or what is left makes no progress (its endpoint is down, its
 * receiver away, it waits for a snapshot), or the time is over. Everything left is durable.
 */
export async function quiet(partitions: Working, untilMs: number): Promise<void> {
  // What partitions were offered just now is applied in a turn, which comes before this.
  await immediately();
  let finished = -1;
  let idleSinceMs = performance.now();
  while (performance.now() < untilMs) {
    const open = partitions.hosts.flatMap(({ partition }) => partition ?? []);
    if (open.every(isDone)) return;
    const done = open.reduce((sum, { ledger }) => sum + ledger.finished, 0);
    const isBusy = open.some(({ delivery }) => delivery.inFlight > 0);
    if (isBusy || done !== finished) idleSinceMs = performance.now();
    if (performance.now() - idleSinceMs > IDLE_MS) return;
    finished = done;
    await delay(LOOK_EVERY_MS);
  }
}

/** Also that the last of it is durable: what lingers for company would be done again. */
function isDone({ unfinished, outboxes, epochs }: OpenPartition): boolean {
  return unfinished === outboxes.held && !epochs.isCommitting && epochs.dirtySinceMs === undefined;
}
