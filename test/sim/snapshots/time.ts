/** Time as one process sees it: what it waits for comes while it lives and is not held still. */
import type { SnapshotClock } from "../../../src/snapshot/clock.ts";
import type { Schedule } from "../schedule.ts";

export class ProcessTime implements SnapshotClock {
  readonly #schedule: Schedule;
  #isDead = false;
  #frozen: (() => void)[] | undefined;

  constructor(schedule: Schedule) {
    this.#schedule = schedule;
  }

  now(): number {
    return this.#schedule.nowMs;
  }

  timeOfDay(): number {
    return Math.floor(this.#schedule.nowMs);
  }

  after(delayMs: number, run: () => void): () => void {
    let isCancelled = false;
    const due = (): void => {
      if (isCancelled || this.#isDead) return;
      if (this.#frozen !== undefined) this.#frozen.push(due);
      else run();
    };
    this.#schedule.after(delayMs, due);
    return () => {
      isCancelled = true;
    };
  }

  /** Resolves after a while, unless the process ends before; rejects when the signal aborts. */
  wait(delayMs: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) return reject(signal.reason);
      const cancel = this.after(delayMs, () => {
        signal?.removeEventListener("abort", abort);
        resolve();
      });
      const abort = (): void => {
        cancel();
        if (!this.#isDead) reject(signal?.reason);
      };
      signal?.addEventListener("abort", abort, { once: true });
    });
  }

  get isFrozen(): boolean {
    return this.#frozen !== undefined;
  }

  get isDead(): boolean {
    return this.#isDead;
  }

  freeze(): void {
    this.#frozen ??= [];
  }

  thaw(): void {
    const waiting = this.#frozen ?? [];
    this.#frozen = undefined;
    for (const due of waiting) due();
  }

  die(): void {
    this.#isDead = true;
    this.#frozen = undefined;
  }
}
