import { type Clock, systemClock } from "../base/clock.ts";

/** Between two lines about the same thing. */
const EVERY_MS = 10_000;

/**
 * Says what may happen thousands of times a second: the first time at once, then every 10 s at most, each
 * time with how often it has happened since. What happens last may stay unsaid until it happens again.
 */
export class Seldom {
  readonly #clock: Clock;
  #times = 0;
  #saidAtMs = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock = systemClock) {
    this.#clock = clock;
  }

  /** @param say given how often it has happened since the last line, this time included */
  happened(say: (times: number) => void): void {
    this.#times++;
    const sinceMs = this.#clock.now() - this.#saidAtMs;
    if (sinceMs >= 0 && sinceMs < EVERY_MS) return; // less than none: the clock was put back
    this.#saidAtMs = this.#clock.now();
    const times = this.#times;
    this.#times = 0;
    say(times);
  }
}
