import { Queue } from "../base/queue.ts";

/**
 * Lets in so many requests with each turn of the event loop; the others wait for the next, in the order in which they
 * came. However many come at once, partitions and the answers of functions have their part of every turn: a node that
 * is offered more than it can do does as much as it can, instead of refusing all day.
 *
 * Who waits is a request whose body nobody reads yet. Beyond `maxWaiting` whoever comes is let in at once, since that
 * is only to be refused.
 */
export class Turnstile<T> {
  readonly #perTurn: number;
  readonly #maxWaiting: number;
  readonly #letIn: (one: T) => void;
  readonly #waiting = new Queue<T>();
  #inTurn = 0;
  #isTurning = false;

  constructor(perTurn: number, maxWaiting: number, letIn: (one: T) => void) {
    this.#perTurn = perTurn;
    this.#maxWaiting = maxWaiting;
    this.#letIn = letIn;
  }

  /** Lets it in now, or with a later turn. */
  pass(one: T): void {
    if (!this.#isTurning) {
      this.#isTurning = true;
      setImmediate(this.#turn);
    }
    const isFree = this.#inTurn < this.#perTurn && this.#waiting.size === 0;
    if (!isFree && this.#waiting.size < this.#maxWaiting) return this.#waiting.push(one);
    this.#inTurn++;
    this.#letIn(one);
  }

  readonly #turn = (): void => {
    this.#inTurn = 0;
    for (; this.#inTurn < this.#perTurn; this.#inTurn++) {
      const next = this.#waiting.shift();
      if (next === undefined) break;
      this.#letIn(next);
    }
    this.#isTurning = this.#inTurn > 0;
    if (this.#isTurning) setImmediate(this.#turn);
  };
}
