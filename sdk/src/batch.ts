/**
 * Runs one batch of messages of one address through its function: one after the other, on the same state.
 * Knows the wire's messages, but neither bytes nor HTTP. The batch succeeds or fails as a whole.
 */
import { describeAddress, type WireAddress } from "./address.ts";
import { MessageContext } from "./context.ts";
import { Effects } from "./effects.ts";
import { describeThrown, inspect, SdkError } from "./errors.ts";
import type { FunctionDefinition, RawMessage } from "./function.ts";
import type { io } from "./protocol.ts";
import { StateCell } from "./state.ts";
import type { ValueType } from "./types/value-type.ts";

type WireInvocation = io.statefun.sdk.reqreply.ToFunction.Invocation.$Properties;
type WireState = io.statefun.sdk.reqreply.ToFunction.PersistedValue.$Properties;

const NO_BYTES = new Uint8Array(0);

/**
 * The function's states as a request brings them, in the order of their declaration; or, when it lacks
 * some, the indexes of those. States the function does not know are passed over.
 *
 * @throws SdkError STATE_TYPE_MISMATCH
 */
export function openStates(
  definition: FunctionDefinition,
  target: WireAddress,
  states: readonly WireState[],
): { readonly cells: StateCell[] } | { readonly missing: number[] } {
  const { names, specs, indexOfState } = definition;
  const found = new Array<StateCell | undefined>(names.length);
  for (const { stateName, stateValue } of states) {
    const name = stateName ?? "";
    const index = indexOfState.get(name);
    const spec = index === undefined ? undefined : specs[index];
    if (index === undefined || spec === undefined) continue;
    const present = stateValue?.hasValue === true;
    if (present && stateValue.typename !== spec.type.typename) {
      throw new SdkError(
        "STATE_TYPE_MISMATCH",
        `${describeAddress(target)}: state "${name}" is stored as ${stateValue.typename || "a value without type"}, but declared as ${spec.type.typename}`,
      );
    }
    found[index] = new StateCell(name, spec, present ? (stateValue.value ?? NO_BYTES) : undefined);
  }
  const cells: StateCell[] = [];
  const missing: number[] = [];
  for (let index = 0; index < names.length; index++) {
    const cell = found[index];
    if (cell === undefined) missing.push(index);
    else cells.push(cell);
  }
  return missing.length > 0 ? { missing } : { cells };
}

/**
 * The effects of a batch: at once when no handler is asynchronous, which spares the many that are not a
 * wait each.
 *
 * @throws SdkError that says function, id, type, and what happened.
 */
export function runBatch(
  definition: FunctionDefinition,
  target: WireAddress,
  cells: readonly StateCell[],
  invocations: readonly WireInvocation[],
): Effects | Promise<Effects> {
  const effects = new Effects();
  const state = definition.makeState(cells);
  const run = (from: number): Effects | Promise<Effects> => {
    for (let at = from; at < invocations.length; at++) {
      const invocation = invocations[at] ?? {};
      const context = new MessageContext(target, invocation, state, effects);
      let running: PromiseLike<unknown> | undefined;
      try {
        const result = dispatch(definition, target, context, invocation);
        if (isThenable(result)) running = result;
      } catch (thrown) {
        throw located(thrown, target, invocation);
      } finally {
        if (running === undefined) context.end();
      }
      if (running !== undefined) {
        return ended(running, context, target, invocation).then(() => run(at + 1));
      }
    }
    return effects;
  };
  return run(0);
}

/** @throws SdkError as above */
async function ended(
  running: PromiseLike<unknown>,
  context: MessageContext,
  target: WireAddress,
  invocation: WireInvocation,
): Promise<void> {
  try {
    await running;
  } catch (thrown) {
    throw located(thrown, target, invocation);
  } finally {
    context.end();
  }
}

function dispatch(
  definition: FunctionDefinition,
  target: WireAddress,
  context: MessageContext,
  invocation: WireInvocation,
): unknown {
  const typename = invocation.argument?.typename ?? "";
  const binding = definition.bindings.get(typename);
  if (binding !== undefined) {
    return binding.handle(context, readArgument(binding.type, invocation));
  }
  if (definition.catchAll !== undefined) {
    return definition.catchAll(context, new IncomingMessage(invocation));
  }
  throw new SdkError(
    "MESSAGE_UNHANDLED",
    `no handler takes it; ${target.namespace}/${target.type} takes ${definition.expected()}`,
  );
}

function readArgument<T>(type: ValueType<T>, { argument }: WireInvocation): T {
  if (argument?.hasValue !== true) {
    throw new SdkError("MESSAGE_INVALID", "the message has no value (has_value is false)");
  }
  const bytes = argument.value ?? NO_BYTES;
  try {
    return type.deserialize(bytes);
  } catch (cause) {
    const what = `its ${bytes.length} bytes are no ${type.typename}`;
    throw new SdkError("MESSAGE_INVALID", `the message cannot be read: ${what}`, { cause });
  }
}

class IncomingMessage implements RawMessage {
  readonly #invocation: WireInvocation;

  constructor(invocation: WireInvocation) {
    this.#invocation = invocation;
  }

  get typename(): string {
    return this.#invocation.argument?.typename ?? "";
  }

  get hasValue(): boolean {
    return this.#invocation.argument?.hasValue === true;
  }

  get bytes(): Uint8Array {
    return new Uint8Array(this.#invocation.argument?.value ?? NO_BYTES);
  }

  is(type: ValueType<unknown>): boolean {
    return type.typename === this.typename;
  }

  as<T>(type: ValueType<T>): T {
    if (this.is(type)) return readArgument(type, this.#invocation);
    throw new SdkError("MESSAGE_INVALID", `it is no ${type.typename}`);
  }
}

/** Every error of a batch says where it happened; the code says whose mistake it was. */
function located(thrown: unknown, target: WireAddress, invocation: WireInvocation): SdkError {
  const typename = invocation.argument?.typename;
  const message = typename ? `a message of type ${typename}` : "a message without type";
  const id = invocation.messageId ? `, id ${inspect(invocation.messageId)}` : "";
  const where = `${describeAddress(target)} failed at ${message}${id}`;
  const code = thrown instanceof SdkError ? thrown.code : "HANDLER_FAILED";
  return new SdkError(code, `${where}: ${describeThrown(thrown)}`, { cause: thrown });
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === "function";
}
