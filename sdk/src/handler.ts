/**
 * The request-reply protocol, from bytes to bytes: what every adapter, and a runtime that calls functions
 * in its own process, stands on. It answers as the official SDKs do.
 */
import { describeAddress, type WireAddress } from "./address.ts";
import { openStates, runBatch } from "./batch.ts";
import type { Effects } from "./effects.ts";
import { describeThrown, inspect, SdkError } from "./errors.ts";
import {
  type AnyStatefulFunction,
  type FunctionDefinition,
  isStatefulFunction,
} from "./function.ts";
import { io } from "./protocol.ts";
import type { StateCell } from "./state.ts";

const { FromFunction, ToFunction } = io.statefun.sdk.reqreply;
const { MODIFY, DELETE } = FromFunction.PersistedValueMutation.MutationType;
const { AFTER_WRITE, AFTER_INVOKE } = FromFunction.ExpirationSpec.ExpireMode;

type WireBatch = io.statefun.sdk.reqreply.ToFunction.InvocationBatchRequest.$Properties;
type WireMutation = io.statefun.sdk.reqreply.FromFunction.PersistedValueMutation.$Properties;
type WireSpec = io.statefun.sdk.reqreply.FromFunction.PersistedValueSpec.$Properties;

/** Functions to serve: a list, or an object (or module) whose values they are. */
export type Functions =
  | Iterable<AnyStatefulFunction>
  | Readonly<Record<string, AnyStatefulFunction>>;

export interface RequestReplyHandler {
  /** The function types it serves, sorted. */
  readonly typenames: readonly string[];
  /**
   * Answers one serialized `ToFunction` with a serialized `FromFunction`. Requests may overlap.
   * The request's bytes must not change before the answer.
   *
   * @throws SdkError (by rejecting), never anything else; its `status` is for HTTP, its text for people.
   */
  handle(request: Uint8Array): Promise<Uint8Array>;
  /**
   * The same, at once when no function that it calls is asynchronous.
   *
   * @throws SdkError, or rejects with it
   */
  answer(request: Uint8Array): Uint8Array | Promise<Uint8Array>;
}

/**
 * @throws SdkError DEFINITION_INVALID for what is no function, DEFINITION_DUPLICATE for a type name given twice.
 */
export function requestReplyHandler(functions: Functions): RequestReplyHandler {
  const definitions = new Map<string, FunctionDefinition>();
  for (const fn of listOf(functions)) {
    if (!isStatefulFunction(fn)) {
      throw new SdkError(
        "DEFINITION_INVALID",
        `${inspect(fn)} cannot be served: it was not made by statefulFunction()`,
      );
    }
    if (definitions.has(fn.typename)) {
      throw new SdkError("DEFINITION_DUPLICATE", `two functions have the type ${fn.typename}`);
    }
    definitions.set(fn.typename, fn.definition);
  }
  const typenames = [...definitions.keys()].sort();
  const answer = (request: Uint8Array): Uint8Array | Promise<Uint8Array> => {
    const batch = decode(request);
    const target = targetOf(batch);
    const typename = `${target.namespace}/${target.type}`;
    const definition = definitions.get(typename);
    if (definition === undefined) {
      throw new SdkError(
        "FUNCTION_UNKNOWN",
        `there is no function ${typename} here; served are ${typenames.join(", ") || "none"}`,
      );
    }
    return answerBatch(definition, target, batch);
  };
  return { typenames, answer, handle: async (request) => answer(request) };
}

function answerBatch(
  definition: FunctionDefinition,
  target: WireAddress,
  batch: WireBatch,
): Uint8Array | Promise<Uint8Array> {
  const states = openStates(definition, target, batch.state ?? []);
  if ("missing" in states) {
    const missingValues = states.missing.map((index) => specOf(definition, index));
    return FromFunction.encode({ incompleteInvocationContext: { missingValues } }).finish();
  }
  const effects = runBatch(definition, target, states.cells, batch.invocations ?? []);
  return effects instanceof Promise
    ? effects.then((done) => encodeResult(target, done, states.cells))
    : encodeResult(target, effects, states.cells);
}

function encodeResult(
  target: WireAddress,
  effects: Effects,
  cells: readonly StateCell[],
): Uint8Array {
  const invocationResult = {
    stateMutations: mutationsOf(target, cells),
    outgoingMessages: effects.messages,
    delayedInvocations: effects.delayed,
    outgoingEgresses: effects.records,
  };
  return FromFunction.encode({ invocationResult }).finish();
}

function mutationsOf(target: WireAddress, cells: readonly StateCell[]): WireMutation[] {
  const mutations: WireMutation[] = [];
  for (const cell of cells) {
    const change = changeOf(target, cell);
    if (change === "delete") {
      mutations.push({ mutationType: DELETE, stateName: cell.name });
    } else if (change !== undefined) {
      const stateValue = { typename: cell.typename, hasValue: true, value: change };
      mutations.push({ mutationType: MODIFY, stateName: cell.name, stateValue });
    }
  }
  return mutations;
}

/** @throws SdkError VALUE_INVALID */
export function changeOf(target: WireAddress, cell: StateCell): Uint8Array | "delete" | undefined {
  try {
    return cell.change();
  } catch (thrown) {
    const what = `${describeAddress(target)}: ${describeThrown(thrown)}`;
    throw new SdkError("VALUE_INVALID", what, { cause: thrown });
  }
}

function specOf(definition: FunctionDefinition, index: number): WireSpec {
  const spec = definition.specs[index];
  const wire: WireSpec = {
    stateName: definition.names[index] ?? "",
    typeTypename: spec?.type.typename ?? "",
  };
  if (spec === undefined || spec.expireMode === "never") return wire;
  const mode = spec.expireMode === "afterWrite" ? AFTER_WRITE : AFTER_INVOKE;
  return { ...wire, expirationSpec: { mode, expireAfterMillis: spec.expireAfterMs } };
}

function decode(request: Uint8Array): WireBatch {
  if (request.length === 0) {
    throw new SdkError("REQUEST_MALFORMED", "the request is empty; a ToFunction is expected");
  }
  let batch: WireBatch | null | undefined;
  try {
    batch = ToFunction.decode(request).invocation;
  } catch (cause) {
    const what = `the request's ${request.length} bytes are no ToFunction: ${describeThrown(cause)}`;
    throw new SdkError("REQUEST_MALFORMED", what, { cause });
  }
  if (batch === null || batch === undefined) {
    throw new SdkError("REQUEST_MALFORMED", "the request holds no invocation (field 100)");
  }
  return batch;
}

function targetOf({ target }: WireBatch): WireAddress {
  if (target === null || target === undefined) {
    throw new SdkError("REQUEST_MALFORMED", "the request's invocation has no target");
  }
  return { namespace: target.namespace ?? "", type: target.type ?? "", id: target.id ?? "" };
}

function listOf(functions: Functions): Iterable<AnyStatefulFunction> {
  return Symbol.iterator in functions
    ? (functions as Iterable<AnyStatefulFunction>)
    : Object.values(functions);
}
