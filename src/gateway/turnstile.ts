import { Queue } from "../base/queue.ts";

/**
 * Lets so many through with each turn; the others wait for the next, in the order in which they came. Requests on their
 * way in, by turns of the event loop, and refusals on their way out, by time: however many come at once, partitions and
 * the answers of functions have their part of the processor. So a node that is offered more than it can do does as much
 * as it can, instead of refusing all day.
 *
 * Beyond `maxWaiting` whoever comes is let through at once.
 */
export class Turnstile<T> {
  readonly #perTurn: number;
  readonly #maxWaiting: number;
  readonly #letThrough: (one: T) => void;
  readonly #soon: (turn: () => void) => void;
  readonly #waiting = new Queue<T>();
  #inTurn = 0;
  #isTurning = false;

  /** @param soon when the next turn is. Default: that of the event loop */
  constructor(
    perTurn: number,
    maxWaiting: number,
    letThrough: (one: T) => void,
    soon: (turn: () => void) => void = setImmediate,
  ) {
    this.#perTurn = perTurn;
    this.#maxWaiting = maxWaiting;
    this.#letThrough = letThrough;
    this.#soon = soon;
  }

  /** Lets it through now, or with a later turn. */
  pass(one: T): void {
    if (!this.#isTurning) {
      this.#isTurning = true;
      this.#soon(this.#turn);
    }
    const isFree = this.#inTurn < this.#perTurn && this.#waiting.size === 0;
    if (!isFree && this.#waiting.size < this.#maxWaiting) return this.#waiting.push(one);
    this.#inTurn++;
    this.#letThrough(one);
  }

  readonly #turn = (): void => {
    this.#inTurn = 0;
    for (; this.#inTurn < this.#perTurn; this.#inTurn++) {
      const next = this.#waiting.shift();
      if (next === undefined) break;
      this.#letThrough(next);
    }
    this.#isTurning = this.#inTurn > 0;
    if (this.#isTurning) this.#soon(this.#turn);
  };
}
