import type { Input, Release } from "../../src/partition/ports.ts";
import type { Host } from "./host.ts";

/** A release that answers a request. */
export type Answer = Extract<Release, { readonly request: number }>;
export type RequestInput = Extract<Input, { readonly request: number }>;

interface Waiting {
  readonly host: Host;
  readonly answered: (answer: Answer) => void;
  readonly lost: () => void;
}

/** Requests to the node and who waits for their answers: the connections of its callers. */
export class Desk {
  readonly #waiting = new Map<number, Waiting>();
  #requests = 0;

  get size(): number {
    return this.#waiting.size;
  }

  /** `lost`: the connection was cut before there was an answer. Returns the request's number. */
  submit(
    host: Host,
    input: RequestInput,
    answered: (answer: Answer) => void,
    lost: () => void,
  ): number {
    const request = ++this.#requests;
    if (host.offer({ ...input, request })) this.#waiting.set(request, { host, answered, lost });
    else lost();
    return request;
  }

  /** The caller hangs up: it is told nothing any more. */
  forget(request: number): void {
    this.#waiting.delete(request);
  }

  isWaiting(request: number): boolean {
    return this.#waiting.has(request);
  }

  answer(host: Host, answer: Answer): void {
    const waiting = this.#waiting.get(answer.request);
    // Twice, or to nobody: the caller's connection is gone.
    if (waiting === undefined || waiting.host !== host) return;
    this.#waiting.delete(answer.request);
    waiting.answered(answer);
  }

  /** The host went down: its connections are cut. */
  cut(host: Host): void {
    for (const [request, waiting] of this.#waiting) {
      if (waiting.host !== host) continue;
      this.#waiting.delete(request);
      waiting.lost();
    }
  }
}
