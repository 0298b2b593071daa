import { describeError } from "../base/errors.ts";
import type { Outcome } from "../model/invocation.ts";
import { type Cancellable, Cancellations } from "./cancellations.ts";
import { Slots } from "./slots.ts";

export interface GateLimits {
  /** Calls in flight of one function type. */
  readonly perType: number;
  /** Requests in flight of all types together. */
  readonly inAll: number;
}

/**
 * What every invoker has around its calls: so many at a time and in turn, an end when the signal aborts
 * or the invoker is closed, and an outcome whatever is thrown.
 *
 * Each function type has slots of its own (I6): one that hangs fills its own and keeps no other of the
 * same endpoint waiting, as long as the endpoint has more slots than one type may hold.
 */
export class Gate {
  readonly #limits: GateLimits;
  readonly #all: Slots;
  /** Of the types that have calls in flight, and no others: types come out of messages, without bound. */
  readonly #byType = new Map<string, Slots>();
  readonly #cancellations = new Cancellations();
  #closed = false;

  constructor(limits: GateLimits) {
    this.#limits = limits;
    this.#all = new Slots(limits.inAll);
  }

  /** Function types that have calls in flight. */
  get types(): number {
    return this.#byType.size;
  }

  /**
   * A slot of a type, where one is free, for a call that needs no more of this: what can fail or wait is for
   * {@link run}. To be given back by {@link leave}.
   */
  tryEnter(type: string, signal: AbortSignal): Slots | undefined {
    if (this.isOver(signal)) return undefined;
    const own = this.#slotsOf(type);
    return own.tryTake() ? own : undefined;
  }

  leave(type: string, own: Slots): void {
    own.give();
    if (own.idle) this.#byType.delete(type);
  }

  /** Never rejects. `call` listens to the signal by {@link whenCancelled}. */
  run(type: string, signal: AbortSignal, call: () => Promise<Outcome>): Promise<Outcome> {
    if (this.isOver(signal)) return Promise.resolve(CANCELLED);
    const own = this.#slotsOf(type);
    if (own.tryTake()) return this.hold(own, type, signal, call);
    return this.#runLater(own, type, signal, call);
  }

  #slotsOf(type: string): Slots {
    let own = this.#byType.get(type);
    if (own === undefined) {
      own = new Slots(this.#limits.perType);
      this.#byType.set(type, own);
    }
    return own;
  }

  /** A request of its own, one of `inAll`. Rejects with what it throws. */
  async inTurn(signal: AbortSignal, request: () => Promise<Outcome>): Promise<Outcome> {
    if (!this.#all.tryTake() && !(await this.#wait(this.#all, signal))) return CANCELLED;
    try {
      return this.isOver(signal) ? CANCELLED : await request();
    } finally {
      this.#all.give();
    }
  }

  /** A request that many calls share, one of `inAll`; `isOver`: nobody waits for any of them. */
  async shared(isOver: () => boolean, request: () => Promise<void>): Promise<void> {
    if (!this.#all.tryTake()) await new Promise<boolean>((resolve) => this.#all.wait(resolve));
    try {
      if (!isOver()) await request();
    } finally {
      this.#all.give();
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
    const what = { cancel };
    this.listen(signal, what);
    return () => this.ignore(signal, what);
  }

  /** The same for what is an object already, until {@link ignore}. */
  listen(signal: AbortSignal, what: Cancellable): void {
    this.#cancellations.add(signal, what);
  }

  ignore(signal: AbortSignal, what: Cancellable): void {
    this.#cancellations.delete(signal, what);
  }

  /** Cancels what waits and what is in flight; nothing enters any more. */
  close(): void {
    this.#closed = true;
    this.#cancellations.cancelAll();
  }

  /** While it waits others of its type have calls in flight, so that its slots are not forgotten. */
  async #runLater(
    own: Slots,
    type: string,
    signal: AbortSignal,
    call: () => Promise<Outcome>,
  ): Promise<Outcome> {
    if (!(await this.#wait(own, signal))) return CANCELLED;
    return await this.hold(own, type, signal, call);
  }

  /** Makes the call, with a slot of its type, and gives that back. Never rejects. */
  hold(
    own: Slots,
    type: string,
    signal: AbortSignal,
    call: () => Promise<Outcome>,
  ): Promise<Outcome> {
    const fail = (error: unknown): Outcome => {
      this.leave(type, own);
      return { kind: "failed", reason: `the call could not be made: ${describeError(error)}` };
    };
    try {
      const outcome = this.isOver(signal) ? Promise.resolve(CANCELLED) : call();
      return outcome.then((done) => {
        this.leave(type, own);
        return done;
      }, fail);
    } catch (error) {
      return Promise.resolve(fail(error));
    }
  }

  /** False when the signal aborted, or the gate was closed, before a slot was free. */
  async #wait(slots: Slots, signal: AbortSignal): Promise<boolean> {
    if (this.isOver(signal)) return false;
    return await new Promise((resolve) => {
      const leave = slots.wait((granted) => {
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
