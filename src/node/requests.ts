/** Requests to a partition that wait for their answers. How many there are is its callers' bound (I9). */
import type { StatefoldError } from "../base/errors.ts";
import type { Input, Release } from "../partition/ports.ts";

/** A release that answers a request. */
export type Answer = Extract<Release, { readonly request: number }>;
/** An input that is answered. */
export type Question = Exclude<
  Extract<Input, { readonly request: number }>,
  { readonly kind: "hangUp" }
>;

/** Who has asked: told of one of the two, once. Must not throw, since it is told within a partition's turn. */
export interface Asker {
  answered(answer: Answer): void;
  /** It will not be answered. */
  failed(error: unknown): void;
}

export class Requests {
  readonly #waiting = new Map<number, Asker>();
  #last = 0;

  /** How many wait. */
  get size(): number {
    return this.#waiting.size;
  }

  has(request: number): boolean {
    return this.#waiting.has(request);
  }

  /** A number never given before. */
  next(): number {
    return ++this.#last;
  }

  /** From now on it waits. */
  add(request: number, asker: Asker): void {
    this.#waiting.set(request, asker);
  }

  /** An answer nobody waits for any more is dropped. */
  settle(answer: Answer): void {
    this.#take(answer.request)?.answered(answer);
  }

  fail(request: number, error: unknown): void {
    this.#take(request)?.failed(error);
  }

  /** None of them will be answered. */
  failAll(error: StatefoldError): void {
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const asker of waiting) asker.failed(error);
  }

  #take(request: number): Asker | undefined {
    const asker = this.#waiting.get(request);
    this.#waiting.delete(request);
    return asker;
  }
}
