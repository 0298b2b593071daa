import { Heap } from "../base/heap.ts";
import { Queue } from "../base/queue.ts";

/** Something that happens. A promise is awaited before the next step. */
export type Step = () => unknown;

interface Alarm {
  readonly atMs: number;
  readonly sequence: number;
  readonly step: Step;
}

/**
 * Virtual time: what happens now, one step after the other in the order it was asked for, and what the
 * test wants to happen later. Time stands still until it is moved.
 */
export class Timeline {
  #nowMs: number;
  #sequence = 0;
  readonly #steps = new Queue<Step>();
  readonly #alarms = new Heap<Alarm>(
    (a, b) => a.atMs < b.atMs || (a.atMs === b.atMs && a.sequence < b.sequence),
  );

  constructor(startMs: number) {
    this.#nowMs = startMs;
  }

  /** In ms since the epoch. */
  get nowMs(): number {
    return this.#nowMs;
  }

  now(step: Step): void {
    this.#steps.push(step);
  }

  after(delayMs: number, step: Step): void {
    this.#alarms.push({ atMs: this.#nowMs + delayMs, sequence: this.#sequence++, step });
  }

  get hasSteps(): boolean {
    return this.#steps.size > 0;
  }

  /** Takes the next step out; undefined when nothing more happens now. */
  take(): Step | undefined {
    return this.#steps.shift();
  }

  /** When the next of what waits for its time is due. */
  get nextAlarmMs(): number | undefined {
    return this.#alarms.peek()?.atMs;
  }

  /** Never backwards. What has come due by then is among the steps. */
  moveTo(atMs: number): void {
    this.#nowMs = Math.max(this.#nowMs, atMs);
    for (let next = this.#alarms.peek(); next !== undefined; next = this.#alarms.peek()) {
      if (next.atMs > this.#nowMs) return;
      this.#alarms.pop();
      this.#steps.push(next.step);
    }
  }
}
