import { statefulFunction, types } from "@statefold/sdk";
import { Histogram } from "./support/histogram.ts";

/*
 * Functions of the timer benchmark, in a process of their own or inside the node. `bench/schedule` makes
 * delayed messages, `bench/fired` gets them and notes when, `bench/account` says what it noted.
 */

/** What one message to `bench/schedule` asks for: timers `first` to `first + count - 1` of `total`. */
export interface SchedulePlan {
  readonly first: number;
  readonly count: number;
  readonly total: number;
  /** Timer n is due at `baseMs` + n / total × `spanMs`, ms since the epoch. */
  readonly baseMs: number;
  readonly spanMs: number;
  /** Addresses they go to. */
  readonly ids: number;
}

export interface TimerAccount {
  readonly fired: number;
  readonly twice: number;
  /** Handled before the time they were due, by this machine's clock. */
  readonly early: number;
  readonly firstAtMs: number;
  readonly lastAtMs: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

class Notes {
  readonly #seen: Uint8Array;
  readonly #lateness = new Histogram();
  #fired = 0;
  #twice = 0;
  #early = 0;
  #firstAtMs = 0;
  #lastAtMs = 0;

  constructor(total: number) {
    this.#seen = new Uint8Array(total);
  }

  fired(n: number, dueMs: number): void {
    const nowMs = Date.now();
    if (this.#seen[n] !== 0) this.#twice++;
    this.#seen[n] = 1;
    if (this.#fired++ === 0) this.#firstAtMs = nowMs;
    this.#lastAtMs = nowMs;
    if (nowMs < dueMs) this.#early++;
    this.#lateness.record(Math.max(0, nowMs - dueMs));
  }

  get account(): TimerAccount {
    const lateness = this.#lateness;
    return {
      fired: this.#fired,
      twice: this.#twice,
      early: this.#early,
      firstAtMs: this.#firstAtMs,
      lastAtMs: this.#lastAtMs,
      p50Ms: lateness.percentileMs(0.5),
      p99Ms: lateness.percentileMs(0.99),
      maxMs: lateness.maxMs,
    };
  }
}

let notes = new Notes(0);

export const schedule = statefulFunction("bench/schedule").on(types.string, (ctx, text) => {
  const plan = JSON.parse(text) as SchedulePlan;
  const nowMs = Date.now();
  for (let n = plan.first; n < plan.first + plan.count; n++) {
    const dueMs = plan.baseMs + (n / plan.total) * plan.spanMs;
    const delayMs = Math.max(0, Math.round(dueMs - nowMs));
    const target = { type: "bench/fired", id: `timer-${n % plan.ids}` };
    ctx.sendAfter(delayMs, target, types.string, `${n} ${delayMs}`);
  }
});

/** A delay counts from when the runtime took the message over, which is what `now()` gives. */
export const fired = statefulFunction("bench/fired").on(types.string, (ctx, text) => {
  const space = text.indexOf(" ");
  notes.fired(Number(text.slice(0, space)), ctx.now() + Number(text.slice(space + 1)));
});

/** `begin TOTAL` begins anew; anything else only asks. */
export const account = statefulFunction("bench/account").on(types.string, (ctx, text) => {
  if (text.startsWith("begin ")) notes = new Notes(Number(text.slice(6)));
  ctx.reply(types.string, JSON.stringify(notes.account));
});
