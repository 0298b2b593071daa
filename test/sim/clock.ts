import type { Schedule } from "./schedule.ts";

interface Jump {
  readonly trueMs: number;
  readonly offsetMs: number;
}

/**
 * What the node's machine believes the time to be: it jumps, both ways. The clock is one for all
 * partitions, as on a machine.
 */
export class NodeClock {
  readonly #schedule: Schedule;
  readonly #jumps: Jump[] = [{ trueMs: 0, offsetMs: 0 }];
  readonly #onJump: (byMs: number) => void;
  /** The furthest it was ever ahead. */
  #furthestMs = 0;

  constructor(schedule: Schedule, onJump: (byMs: number) => void) {
    this.#schedule = schedule;
    this.#onJump = onJump;
  }

  get offsetMs(): number {
    return this.#jumps.at(-1)?.offsetMs ?? 0;
  }

  now(): number {
    return Math.floor(this.#schedule.nowMs + this.offsetMs);
  }

  jump(byMs: number): void {
    const offsetMs = Math.max(-900_000, this.offsetMs + byMs);
    this.#furthestMs = Math.max(this.#furthestMs, offsetMs);
    const realMs = offsetMs - this.offsetMs;
    this.#jumps.push({ trueMs: this.#schedule.nowMs, offsetMs });
    this.#onJump(realMs);
  }

  /** Goes on from the furthest it ever was, so that nothing waits for what was believed once. */
  settle(): void {
    if (this.offsetMs < this.#furthestMs) this.jump(this.#furthestMs - this.offsetMs);
  }

  /** The most it showed between two moments of true time. */
  most(fromTrueMs: number, toTrueMs: number): number {
    return this.#extreme(fromTrueMs, toTrueMs, Math.max);
  }

  /** The least it showed between two moments of true time. */
  least(fromTrueMs: number, toTrueMs: number): number {
    return this.#extreme(fromTrueMs, toTrueMs, Math.min);
  }

  #extreme(fromMs: number, toMs: number, of: (a: number, b: number) => number): number {
    let result: number | undefined;
    this.#jumps.forEach(({ trueMs, offsetMs }, i) => {
      const begin = Math.max(trueMs, fromMs);
      const end = Math.min(this.#jumps[i + 1]?.trueMs ?? toMs, toMs);
      if (begin > end) return;
      const here = of(Math.floor(begin + offsetMs), Math.floor(end + offsetMs));
      result = result === undefined ? here : of(result, here);
    });
    return result ?? this.now();
  }
}
