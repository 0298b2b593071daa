/** kill -9, now and then, and a new start a moment later. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Service } from "./processes.ts";
import { share } from "./share.ts";

export interface ChaosOptions {
  readonly seed: string;
  /** From one start to the next kill, on average. */
  readonly everyMs: number;
  /** In ms since the epoch; it runs again when this resolves. */
  readonly until: number;
  readonly signal: AbortSignal;
}

const DOWN_MS = { from: 200, to: 1_000 };

export async function killNowAndThen(service: Service, options: ChaosOptions): Promise<void> {
  const { seed, everyMs, until, signal } = options;
  for (let round = 1; ; round++) {
    const upMs = everyMs * (0.6 + 0.8 * share(`${seed} up ${round}`));
    const downMs = DOWN_MS.from + (DOWN_MS.to - DOWN_MS.from) * share(`${seed} down ${round}`);
    if (Date.now() + upMs > until) return;
    await sleep(upMs, undefined, { signal });
    await service.kill();
    await sleep(downMs, undefined, { signal });
    await service.start();
  }
}
