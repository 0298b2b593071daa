/**
 * Whether an endpoint takes many calls in one request: it says so in its ordinary answers, and is believed
 * until it does not do so. Then it is believed again after a pause, longer each time: where a load balancer
 * has old and new instances behind it, ordinary requests are what all of them understand.
 */
export interface OfferOptions {
  /** Monotonic. */
  readonly nowMs: () => number;
  /** The module says so: it is asked before it has offered anything. */
  readonly isAssumed: boolean;
}

/** The pause after a refusal, twice as long after each that follows. */
const PAUSE_MS = 1_000;
const PAUSE_MAX_MS = 60_000;
/** Refusals are forgotten when frames have been understood for so long. */
const CALM_MS = 60_000;

export class FramesOffer {
  readonly #options: OfferOptions;
  #isOffered: boolean;
  #sinceMs = 0;
  #refusals = 0;
  #pausedUntilMs = Number.NEGATIVE_INFINITY;

  constructor(options: OfferOptions) {
    this.#options = options;
    this.#isOffered = options.isAssumed;
  }

  get isTaken(): boolean {
    return this.#isOffered && !this.#isPaused;
  }

  /** An ordinary answer has offered it. */
  offered(): void {
    if (this.#isOffered || this.#isPaused) return;
    this.#isOffered = true;
    this.#sinceMs = this.#options.nowMs();
  }

  /** A request of many calls was answered as if it was not understood. */
  refused(): void {
    if (this.#isPaused) return; // one that had left before
    const nowMs = this.#options.nowMs();
    this.#isOffered = this.#options.isAssumed;
    this.#pausedUntilMs = nowMs + Math.min(PAUSE_MS * 2 ** this.#refusals, PAUSE_MAX_MS);
    this.#sinceMs = this.#pausedUntilMs;
    this.#refusals++;
  }

  understood(): void {
    if (this.#refusals === 0 || this.#isPaused) return;
    if (this.#options.nowMs() - this.#sinceMs >= CALM_MS) this.#refusals = 0;
  }

  get #isPaused(): boolean {
    return this.#options.nowMs() < this.#pausedUntilMs;
  }
}
