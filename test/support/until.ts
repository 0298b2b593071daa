import type { EventEmitter } from "node:events";
import { describeError } from "../../src/base/errors.ts";

export interface WaitOptions {
  /** Default 30 s: a deadline for what has gone wrong, not an expectation. */
  readonly timeoutMs?: number;
}

const TIMEOUT_MS = 30_000;

/**
 * Asks again and again until the answer is truthy, and returns it; what the condition throws counts as
 * a no. Fails at the deadline with what was waited for and the last answer.
 *
 * @param what completes "waited 30000 ms for …"
 * @param options everyMs: the pause between two questions; default 5
 */
export async function until<T>(
  what: string,
  condition: () => T | Promise<T>,
  options: WaitOptions & { readonly everyMs?: number } = {},
): Promise<Exclude<T, false | 0 | "" | null | undefined>> {
  const { timeoutMs = TIMEOUT_MS, everyMs = 5 } = options;
  const deadline = performance.now() + timeoutMs;
  let last = "";
  for (;;) {
    try {
      // An answer that never comes must not outlive the deadline either.
      const answer = await within(what, Promise.resolve(condition()), {
        timeoutMs: Math.max(1, deadline - performance.now()),
      });
      if (answer) return answer as Exclude<T, false | 0 | "" | null | undefined>;
      last = `the last answer was ${String(answer)}`;
    } catch (error) {
      last = `the last try failed: ${describeError(error)}`;
    }
    if (performance.now() >= deadline)
      throw new Error(`waited ${timeoutMs} ms for ${what}; ${last}`);
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}

/** The promise's end, or at the deadline an error that says what was waited for. */
export async function within<T>(
  what: string,
  promise: Promise<T>,
  options: WaitOptions = {},
): Promise<T> {
  const { timeoutMs = TIMEOUT_MS } = options;
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`waited ${timeoutMs} ms for ${what}`)), timeoutMs);
  });
  try {
    return await Promise.race([promise, deadline]);
  } finally {
    clearTimeout(timer);
  }
}

/** The arguments of the next `event`; an "error" event fails it. */
export function untilEvent(
  what: string,
  emitter: EventEmitter,
  event: string,
  options: WaitOptions = {},
): Promise<unknown[]> {
  let stop = (): void => {};
  const seen = new Promise<unknown[]>((resolve, reject) => {
    const onEvent = (...args: unknown[]): void => resolve(args);
    emitter.once(event, onEvent);
    if (event !== "error") emitter.once("error", reject);
    stop = () => {
      emitter.off(event, onEvent);
      emitter.off("error", reject);
    };
  });
  return within(what, seen, options).finally(stop);
}
