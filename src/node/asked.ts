import { deferred } from "../base/deferred.ts";
import type { Answer, Question } from "./requests.ts";
import type { Seat } from "./seat.ts";

type Unnumbered<T> = T extends unknown ? Omit<T, "request"> : never;

export interface Asked {
  /** By which it may hang up. */
  readonly request: number;
  /** Rejects when it is not answered. */
  readonly answer: Promise<Answer>;
}

/**
 * A question to a partition, and the promise of its answer: for what does not come with every message.
 *
 * @throws as {@link Seat.ask}
 */
export function asked(seat: Seat, question: Unnumbered<Question>): Asked {
  const request = seat.newRequest();
  const { promise: answer, resolve: answered, reject: failed } = deferred<Answer>();
  seat.ask({ ...question, request } as Question, { answered, failed });
  return { request, answer };
}
