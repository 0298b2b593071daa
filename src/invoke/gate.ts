import { describeError } from "../base/errors.ts";
import type { Outcome } from "../model/invocation.ts";
import { Cancellations } from "./cancellations.ts";
import { Slots } from "./slots.ts";

/**
 * What every invoker has around its calls: so many at a time and in turn, an end when the signal aborts
 * or the invoker is closed, and an outcome whatever is thrown.
 */
export class Gate {
  readonly #slots: Slots;
  readonly #cancellations = new Cancellations();
  #closed = false;

  constructor(maxInFlight: number) {
    this.#slots = new Slots(maxInFlight);
  }

  /** Never rejects. `call` listens to the signal by {@link whenCancelled}. */
  async run(signal: AbortSignal, call: () => Promise<Outcome>): Promise<Outcome> {
    if (!(await this.#enter(signal))) return CANCELLED;
    try {
      return this.isOver(signal) ? CANCELLED : await call();
    } catch (error) {
      return { kind: "failed", reason: `the call could not be made: ${describeError(error)}` };
    } finally {
      this.#slots.give();
    }
  }

  isOver(signal: AbortSignal): boolean {
    return signal.aborted || this.#closed;
  }

  /**
   * `cancel` is called when the signal aborts or the gate is closed.
   * @returns takes it back; to be called when the call has ended
   */
  whenCancelled(signal: AbortSignal, cancel: () => void): () => void {
    this.#cancellations.add(signal, cancel);
    return () => this.#cancellations.delete(signal, cancel);
  }

  /** Cancels what waits and what is in flight; nothing enters any more. */
  close(): void {
    this.#closed = true;
    this.#cancellations.cancelAll();
  }

  /** False when the signal aborted, or the gate was closed, before a slot was free. */
  async #enter(signal: AbortSignal): Promise<boolean> {
    if (this.isOver(signal)) return false;
    if (this.#slots.tryTake()) return true;
    return await new Promise((resolve) => {
      const leave = this.#slots.wait((granted) => {
        stopListening();
        resolve(granted);
      });
      const stopListening = this.whenCancelled(signal, leave);
    });
  }
}

const CANCELLED: Outcome = {
  kind: "retryLater",
  reason: "the call was cancelled before it was sent",
};
