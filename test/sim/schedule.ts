import { Heap } from "../../src/base/heap.ts";

interface Event {
  readonly atMs: number;
  readonly order: number;
  readonly run: () => void;
}

/** Simulated time: what happens next, and when. Events of one time run in the order they were made. */
export class Schedule {
  nowMs = 1_000_000;
  steps = 0;
  #order = 0;
  readonly #events = new Heap<Event>(
    (a, b) => a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order),
  );

  after(delayMs: number, run: () => void): void {
    this.#events.push({ atMs: this.nowMs + Math.max(0, delayMs), order: this.#order++, run });
  }

  /** Runs the next event; false when there is none before `untilMs`. */
  step(untilMs: number): boolean {
    const next = this.#events.peek();
    if (next === undefined || next.atMs > untilMs) return false;
    this.#events.pop();
    this.nowMs = Math.max(this.nowMs, next.atMs);
    this.steps++;
    next.run();
    return true;
  }
}
