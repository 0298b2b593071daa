import type { Invoker } from "../../src/invoke/contract.ts";
import type { Invocation, Outcome } from "../../src/model/invocation.ts";

type Invoke = Invoker["invoke"];

/** An invoker made of a promise. */
export function byPromise(
  invoke: (invocation: Invocation, signal: AbortSignal) => Promise<Outcome>,
): Invoke {
  return (invocation, signal, end) => void invoke(invocation, signal).then(end);
}

/** How a call ended. */
export function outcomeOf(
  invoker: { readonly invoke: Invoke },
  invocation: Invocation,
  signal: AbortSignal,
): Promise<Outcome> {
  return new Promise((resolve) => invoker.invoke(invocation, signal, resolve));
}
