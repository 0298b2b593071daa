/** Requests as a runtime writes them, and answers as it reads them. */
import { type Functions, requestReplyHandler, type ValueType } from "@statefold/sdk";
import { io } from "@statefold/sdk/protocol";

const { FromFunction, ToFunction } = io.statefun.sdk.reqreply;

type Invocation = io.statefun.sdk.reqreply.ToFunction.Invocation.$Properties;
type PersistedValue = io.statefun.sdk.reqreply.ToFunction.PersistedValue.$Properties;
type TypedValue = io.statefun.sdk.reqreply.TypedValue.$Properties;

export interface Batch {
  readonly type: string;
  readonly id?: string;
  readonly state?: readonly PersistedValue[];
  readonly messages: readonly Invocation[];
}

export function typed<T>(type: ValueType<T>, value: T): TypedValue {
  return { typename: type.typename, hasValue: true, value: type.serialize(value) };
}

export function message<T>(type: ValueType<T>, value: T, rest: Invocation = {}): Invocation {
  return { argument: typed(type, value), ...rest };
}

export function stored<T>(name: string, type: ValueType<T>, value: T): PersistedValue {
  return { stateName: name, stateValue: typed(type, value) };
}

export function empty(name: string): PersistedValue {
  return { stateName: name };
}

export function wireAddress(
  type: string,
  id: string,
): io.statefun.sdk.reqreply.Address.$Properties {
  const [namespace = "", name = ""] = type.split("/");
  return { namespace, type: name, id };
}

export function requestBytes({ type, id = "1", state = [], messages }: Batch): Uint8Array {
  return ToFunction.encode({
    invocation: {
      target: wireAddress(type, id),
      state: [...state],
      invocations: [...messages],
    },
  }).finish();
}

export async function exchange(functions: Functions, batch: Batch) {
  const answer = await requestReplyHandler(functions).handle(requestBytes(batch));
  return FromFunction.decode(answer);
}

/** The result of a batch that must succeed. */
export async function resultOf(functions: Functions, batch: Batch) {
  const { invocationResult } = await exchange(functions, batch);
  if (!invocationResult) throw new Error("the answer is no invocation result");
  return invocationResult;
}

export function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}
