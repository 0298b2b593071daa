/**
 * Declared states, and the typed object through which a handler reads and assigns them.
 *
 * A value is read from its bytes when a handler first asks for it, kept for the rest of the batch, and
 * written once at the end, if it was assigned. What a state holds is frozen (where its type can do that):
 * the same object is seen by the next message of the batch, but a change that is no assignment would not
 * be stored, so it must not work by halves.
 */
import { type Duration, lifetimeMs } from "./duration.ts";
import { inspect, SdkError } from "./errors.ts";
import { serializeAs, type ValueType } from "./types/value-type.ts";

export type ExpireMode = "never" | "afterWrite" | "afterCall";

/** The declaration of one state. Made by {@link value}. */
export interface ValueSpec<T> {
  readonly type: ValueType<T>;
  readonly expireMode: ExpireMode;
  /** 0 when it never expires. */
  readonly expireAfterMs: number;
}

/** How long a state lives: so long after it was last assigned, or after the address was last called. */
export type Expiry =
  | { readonly expireAfterWrite?: Duration; readonly expireAfterCall?: never }
  | { readonly expireAfterCall?: Duration; readonly expireAfterWrite?: never };

/** The states of a function, by name. */
export type States = Readonly<Record<string, ValueSpec<unknown>>>;

/** What `ctx.state` is: each state's value, undefined while there is none. Assign undefined to delete. */
export type StateOf<S extends States> = {
  [Name in keyof S]: S[Name] extends ValueSpec<infer T> ? T | undefined : never;
};

/**
 * Declares a state: `value(types.int)`, `value(Plan, { expireAfterWrite: "400d" })`.
 *
 * @throws SdkError DEFINITION_INVALID when both ways to expire are given, or a lifetime is none.
 */
export function value<T>(type: ValueType<T>, expiry: Expiry = {}): ValueSpec<T> {
  const { expireAfterWrite, expireAfterCall } = expiry;
  if (expireAfterWrite !== undefined && expireAfterCall !== undefined) {
    throw new SdkError(
      "DEFINITION_INVALID",
      `a state of type ${type.typename} has expireAfterWrite and expireAfterCall: choose one`,
    );
  }
  if (expireAfterWrite !== undefined) {
    const expireAfterMs = lifetimeMs(expireAfterWrite, "expireAfterWrite");
    return { type, expireMode: "afterWrite", expireAfterMs };
  }
  if (expireAfterCall !== undefined) {
    const expireAfterMs = lifetimeMs(expireAfterCall, "expireAfterCall");
    return { type, expireMode: "afterCall", expireAfterMs };
  }
  return { type, expireMode: "never", expireAfterMs: 0 };
}

/** One state of one address during one batch. */
export class StateCell {
  readonly #name: string;
  readonly #spec: ValueSpec<unknown>;
  /** As the request had it; undefined when there was no value. */
  readonly #stored: Uint8Array | undefined;
  #phase: "unread" | "read" | "assigned" = "unread";
  #value: unknown;

  constructor(name: string, spec: ValueSpec<unknown>, stored: Uint8Array | undefined) {
    this.#name = name;
    this.#spec = spec;
    this.#stored = stored;
  }

  get name(): string {
    return this.#name;
  }

  get typename(): string {
    return this.#spec.type.typename;
  }

  get(): unknown {
    if (this.#phase === "unread" && this.#stored !== undefined) this.#read(this.#stored);
    return this.#value;
  }

  set(value: unknown): void {
    this.#phase = "assigned";
    this.#value = value;
    if (value !== undefined) this.#spec.type.freeze?.(value);
  }

  /**
   * What is to be written: bytes, "delete", or undefined for nothing. An assignment that leaves the stored
   * bytes as they are is nothing, unless it has to prolong the value's life.
   */
  change(): Uint8Array | "delete" | undefined {
    if (this.#phase !== "assigned") return undefined;
    if (this.#value === undefined) return this.#stored === undefined ? undefined : "delete";
    const bytes = this.#write();
    const unchanged = this.#stored !== undefined && sameBytes(bytes, this.#stored);
    return unchanged && this.#spec.expireMode !== "afterWrite" ? undefined : bytes;
  }

  #read(stored: Uint8Array): void {
    const { type } = this.#spec;
    try {
      this.#value = type.deserialize(stored);
    } catch (cause) {
      const what = `its ${stored.length} bytes are no ${type.typename}`;
      throw new SdkError("STATE_INVALID", `state "${this.#name}" cannot be read: ${what}`, {
        cause,
      });
    }
    this.#phase = "read";
    if (this.#value !== undefined) type.freeze?.(this.#value);
  }

  #write(): Uint8Array {
    try {
      return serializeAs(this.#spec.type, this.#value);
    } catch (cause) {
      throw new SdkError("VALUE_INVALID", `state "${this.#name}" cannot be written`, { cause });
    }
  }
}

/** Makes the `ctx.state` of one function type; its accessors are defined once, not per call. */
export type StateFactory = (cells: readonly StateCell[]) => object;

export function stateFactory(names: readonly string[]): StateFactory {
  class State {
    readonly #cells: readonly StateCell[];

    constructor(cells: readonly StateCell[]) {
      this.#cells = cells;
      Object.preventExtensions(this); // a misspelt state is an error, not a value that gets lost
    }

    static {
      for (const [index, name] of names.entries()) {
        Object.defineProperty(State.prototype, name, {
          enumerable: true,
          get(this: State): unknown {
            return this.#cells[index]?.get();
          },
          set(this: State, value: unknown) {
            this.#cells[index]?.set(value);
          },
        });
      }
    }
  }
  return (cells) => new State(cells);
}

/** Names that every official SDK and ours can write down. */
export function requireStateName(name: string, typename: string): void {
  if (/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) return;
  throw new SdkError(
    "DEFINITION_INVALID",
    `${typename}: ${inspect(name)} is no name of a state: use letters, digits and "_", not starting with a digit`,
  );
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
