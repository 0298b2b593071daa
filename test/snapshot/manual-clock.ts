import { setImmediate } from "node:timers/promises";
import type { SnapshotClock } from "../../src/snapshot/clock.ts";

interface Alarm {
  readonly atMs: number;
  readonly order: number;
  readonly run: () => void;
}

/** Time that is moved by hand. */
export class ManualClock implements SnapshotClock {
  #nowMs = 1_000;
  #order = 0;
  #alarms: Alarm[] = [];

  now(): number {
    return this.#nowMs;
  }

  timeOfDay(): number {
    return 1_700_000_000_000 + this.#nowMs;
  }

  after(delayMs: number, run: () => void): () => void {
    const alarm = { atMs: this.#nowMs + delayMs, order: this.#order++, run };
    this.#alarms.push(alarm);
    return () => {
      this.#alarms = this.#alarms.filter((each) => each !== alarm);
    };
  }

  /** Everything that can happen now has happened when it resolves, and whatever is due meanwhile. */
  async pass(ms: number): Promise<void> {
    const untilMs = this.#nowMs + ms;
    await this.settle();
    for (;;) {
      const [next] = this.#alarms
        .filter(({ atMs }) => atMs <= untilMs)
        .sort((a, b) => a.atMs - b.atMs || a.order - b.order);
      if (next === undefined) break;
      this.#alarms = this.#alarms.filter((each) => each !== next);
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.run();
      await this.settle();
    }
    this.#nowMs = untilMs;
  }

  async settle(): Promise<void> {
    for (let i = 0; i < 20; i++) await setImmediate();
  }

  get isIdle(): boolean {
    return this.#alarms.length === 0;
  }
}
