/**
 * Whether a function type's endpoint is worth calling. Endpoint trouble (unreachable, overloaded, too
 * slow) opens it; then a single probe at a time goes out, with back-off and jitter, until one is answered.
 * A probe is a real batch that waits anyway: the protocol has no harmless ping.
 *
 * One hanging address among healthy ones does not open it: any answer closes the count.
 */
import { type BackoffOptions, backoffMs, type Random } from "../base/backoff.ts";

export type CircuitState =
  | { readonly kind: "closed"; readonly troubles: number }
  | {
      readonly kind: "open";
      readonly openings: number;
      readonly untilMs: number;
      readonly reason: string;
    }
  | { readonly kind: "probing"; readonly openings: number; readonly reason: string };

/** Troubles in a row that open the circuit. */
const TROUBLES_TO_OPEN = 5;
const BACKOFF: BackoffOptions = { initialMs: 100, maxMs: 10_000 };

export class Circuit {
  state: CircuitState = { kind: "closed", troubles: 0 };
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  /**
   * Whether an invocation may start now. One that starts while the circuit is open is the probe. A wait
   * longer than the longest means that the clock went back: it is over.
   */
  admits(nowMs: number): boolean {
    if (this.state.kind === "closed") return true;
    if (this.state.kind === "probing") return false;
    const { untilMs } = this.state;
    return nowMs >= untilMs || untilMs - nowMs > BACKOFF.maxMs;
  }

  started(): void {
    if (this.state.kind !== "open") return;
    this.state = { kind: "probing", openings: this.state.openings, reason: this.state.reason };
  }

  /** What had been started was not sent after all: a probe is owed again. */
  abandoned(nowMs: number): void {
    if (this.state.kind !== "probing") return;
    this.state = {
      kind: "open",
      openings: this.state.openings,
      untilMs: nowMs,
      reason: this.state.reason,
    };
  }

  /** As new. */
  get isUntroubled(): boolean {
    return this.state.kind === "closed" && this.state.troubles === 0;
  }

  /** The endpoint answered, whatever it said. */
  answered(): void {
    this.state = { kind: "closed", troubles: 0 };
  }

  troubled(nowMs: number, reason: string): void {
    if (this.state.kind === "closed") {
      const troubles = this.state.troubles + 1;
      if (troubles < TROUBLES_TO_OPEN) this.state = { kind: "closed", troubles };
      else this.#open(1, nowMs, reason);
    } else if (this.state.kind === "probing") {
      this.#open(this.state.openings + 1, nowMs, reason);
    }
    // Open already: an invocation that began before tells nothing new.
  }

  /** When it admits a probe; undefined when it is not waiting for one. */
  get wakeAtMs(): number | undefined {
    return this.state.kind === "open" ? this.state.untilMs : undefined;
  }

  #open(openings: number, nowMs: number, reason: string): void {
    const untilMs = nowMs + backoffMs(openings, BACKOFF, this.#random);
    this.state = { kind: "open", openings, untilMs, reason };
  }
}
