/** Requests to a partition that wait for their answers. How many there are is its callers' bound (I9). */
import { type Deferred, deferred } from "../base/deferred.ts";
import type { StatefoldError } from "../base/errors.ts";
import type { Input, Release } from "../partition/ports.ts";

/** A release that answers a request. */
export type Answer = Extract<Release, { readonly request: number }>;
/** An input that is answered, but for its number. */
export type Question = Unnumbered<
  Exclude<Extract<Input, { readonly request: number }>, { readonly kind: "hangUp" }>
>;

type Unnumbered<T> = T extends unknown ? Omit<T, "request"> : never;

export class Requests {
  readonly #waiting = new Map<number, Deferred<Answer>>();
  #last = 0;

  /** How many wait. */
  get size(): number {
    return this.#waiting.size;
  }

  has(request: number): boolean {
    return this.#waiting.has(request);
  }

  /** A number never given before, and the answer to come. */
  add(): { readonly request: number; readonly answer: Promise<Answer> } {
    const request = ++this.#last;
    const waiting = deferred<Answer>();
    this.#waiting.set(request, waiting);
    return { request, answer: waiting.promise };
  }

  /** An answer nobody waits for any more is dropped. */
  settle(answer: Answer): void {
    const waiting = this.#waiting.get(answer.request);
    this.#waiting.delete(answer.request);
    waiting?.resolve(answer);
  }

  /** It will not be answered. */
  fail(request: number, error: unknown): void {
    const waiting = this.#waiting.get(request);
    this.#waiting.delete(request);
    waiting?.reject(error);
  }

  /** None of them will be answered. */
  rejectAll(error: StatefoldError): void {
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const { reject } of waiting) reject(error);
  }
}
