/**
 * Addresses that rest after a failure, the one whose rest ends first in front.
 *
 * An entry counts while its mailbox still rests until that time: a rest may end earlier, by a person's
 * word say, and leaves its entry behind.
 */
import { Heap } from "../base/heap.ts";
import type { Mailbox } from "./mailbox.ts";

interface Rest {
  readonly mailbox: Mailbox;
  readonly untilMs: number;
}

export class Rests {
  readonly #heap = new Heap<Rest>((a, b) => a.untilMs < b.untilMs);
  /** The time when they were last looked at. */
  #lookedAtMs = 0;

  /** I10: when the first of them is over. */
  get wakeAtMs(): number | undefined {
    return this.#heap.peek()?.untilMs;
  }

  begin(mailbox: Mailbox, untilMs: number): void {
    mailbox.phase = { kind: "resting", untilMs };
    this.#heap.push({ mailbox, untilMs });
  }

  /**
   * Calls `over` for each whose rest is over. When the clock has gone back, that is also who would rest
   * for longer than `longestMs` allows him, whoever rests before him.
   */
  wake(
    nowMs: number,
    longestMs: (mailbox: Mailbox) => number,
    over: (mailbox: Mailbox) => void,
  ): void {
    if (nowMs < this.#lookedAtMs) this.#shorten(nowMs, longestMs, over);
    this.#lookedAtMs = nowMs;
    for (let next = this.#heap.peek(); next !== undefined; next = this.#heap.peek()) {
      if (next.untilMs > nowMs) return;
      this.#heap.pop();
      if (stillRests(next)) over(next.mailbox);
    }
  }

  #shorten(
    nowMs: number,
    longestMs: (mailbox: Mailbox) => number,
    over: (mailbox: Mailbox) => void,
  ): void {
    for (const rest of this.#heap.drain()) {
      if (!stillRests(rest)) continue;
      if (rest.untilMs - nowMs <= longestMs(rest.mailbox)) this.#heap.push(rest);
      else over(rest.mailbox);
    }
  }
}

function stillRests({ mailbox: { phase }, untilMs }: Rest): boolean {
  return phase.kind === "resting" && phase.untilMs === untilMs;
}
