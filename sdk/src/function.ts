import { type Address, address } from "./address.ts";
import type { Context } from "./context.ts";
import { inspect, SdkError } from "./errors.ts";
import {
  requireStateName,
  type StateFactory,
  type States,
  stateFactory,
  type ValueSpec,
} from "./state.ts";
import { requireTypeName } from "./type-name.ts";
import type { ValueType } from "./types/value-type.ts";

/** Handles a message of one type. A promise is awaited; what it yields is not looked at. */
export type Handler<S extends States, T> = (ctx: Context<S>, message: T) => unknown;

/** A message as it came, for handlers of any type. */
export interface RawMessage {
  readonly typename: string;
  /** False: a message without any value. */
  readonly hasValue: boolean;
  readonly bytes: Uint8Array;
  is(type: ValueType<unknown>): boolean;
  /** @throws SdkError MESSAGE_INVALID when it has another type, no value, or bytes that do not fit. */
  as<T>(type: ValueType<T>): T;
}

interface Binding {
  readonly type: ValueType<unknown>;
  readonly handle: (ctx: unknown, message: unknown) => unknown;
}

/** Found on every copy of this package, so that functions of another copy are known as such. */
const BRAND = Symbol.for("@statefold/sdk/function");

/**
 * A function type: its name, its states, and a handler for each type of message it takes.
 * Made by {@link statefulFunction}.
 */
export class StatefulFunction<S extends States = Record<never, never>> {
  readonly typename: string;
  readonly [BRAND] = true;
  /** What the request handler works with; for the SDK itself. */
  readonly definition: FunctionDefinition;

  constructor(typename: string, states: S) {
    requireTypeName(typename, "function type");
    this.typename = typename;
    this.definition = new FunctionDefinition(typename, states);
  }

  /**
   * Adds the handler of one type of message.
   *
   * @throws SdkError DEFINITION_DUPLICATE when messages of this type name have a handler already.
   */
  on<T>(type: ValueType<T>, handler: Handler<S, T>): this {
    const { bindings } = this.definition;
    if (bindings.has(type.typename)) {
      throw new SdkError(
        "DEFINITION_DUPLICATE",
        `${this.typename} already has a handler of ${type.typename}`,
      );
    }
    requireFunction(handler, `${this.typename}: the handler of ${type.typename}`);
    bindings.set(type.typename, { type, handle: handler as Binding["handle"] });
    return this;
  }

  /** Adds the handler of all messages that no other takes. */
  onAny(handler: Handler<S, RawMessage>): this {
    if (this.definition.catchAll !== undefined) {
      throw new SdkError("DEFINITION_DUPLICATE", `${this.typename} already has a handler of any`);
    }
    requireFunction(handler, `${this.typename}: the handler of any message`);
    this.definition.catchAll = handler as Binding["handle"];
    return this;
  }

  /** The address of one instance. */
  at(id: string): Address {
    return address(this.typename, id);
  }
}

/**
 * Declares a function type.
 *
 * ```ts
 * const counter = statefulFunction("demo/counter", { state: { count: value(types.int) } })
 *   .on(Add, (ctx, { by }) => { ctx.state.count = (ctx.state.count ?? 0) + by; });
 * ```
 *
 * @throws SdkError DEFINITION_INVALID when the name is no type name, or a state's name or type is none.
 */
export function statefulFunction<S extends States = Record<never, never>>(
  typename: string,
  options: { readonly state?: S } = {},
): StatefulFunction<S> {
  return new StatefulFunction(typename, options.state ?? ({} as S));
}

/** Any function type, whatever its states. */
export type AnyStatefulFunction = Pick<StatefulFunction, "typename" | "definition">;

/** Whether a value was made by {@link statefulFunction}, of this or another copy of the package. */
export function isStatefulFunction(value: unknown): value is AnyStatefulFunction {
  return typeof value === "object" && value !== null && BRAND in value;
}

/** A function type as the request handler sees it. */
export class FunctionDefinition {
  readonly typename: string;
  readonly names: readonly string[];
  readonly specs: ReadonlyArray<ValueSpec<unknown>>;
  readonly indexOfState: ReadonlyMap<string, number>;
  readonly makeState: StateFactory;
  readonly bindings: Map<string, Binding> = new Map();
  catchAll: Binding["handle"] | undefined;

  constructor(typename: string, states: States) {
    this.typename = typename;
    this.names = Object.keys(states);
    this.specs = Object.values(states);
    for (const [name, spec] of Object.entries(states)) {
      requireStateName(name, typename);
      if (typeof spec?.type?.typename !== "string") {
        throw new SdkError(
          "DEFINITION_INVALID",
          `${typename}: state "${name}" is ${inspect(spec)}: write value(type)`,
        );
      }
      requireTypeName(spec.type.typename, `type of a state (${typename}, "${name}")`);
    }
    this.indexOfState = new Map(this.names.map((name, index) => [name, index]));
    this.makeState = stateFactory(this.names);
  }

  /** What it takes, for messages. */
  expected(): string {
    const typenames = [...this.bindings.keys()].sort();
    return typenames.length === 0 ? "no messages at all" : typenames.join(", ");
  }
}

function requireFunction(handler: unknown, what: string): void {
  if (typeof handler === "function") return;
  throw new SdkError("DEFINITION_INVALID", `${what} is ${inspect(handler)}, not a function`);
}
