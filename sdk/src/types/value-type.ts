import { inspect, SdkError } from "../errors.ts";

/**
 * How values of one type name travel: the name on the wire, and both ways between a value and its bytes.
 * Any object of this shape works; `types` holds the common ones.
 */
export interface ValueType<T> {
  /** `<namespace>/<name>`. Two types of one name are one type to the runtime. */
  readonly typename: string;
  /** Throws when `value` cannot be written as this type. */
  serialize(value: T): Uint8Array;
  /** Throws when the bytes are no value of this type. They may be a view: copy what is to be kept. */
  deserialize(bytes: Uint8Array): T;
  /**
   * Makes a value that a state holds unchangeable, when values of this type could be changed in place:
   * a change that is no assignment would be lost.
   */
  freeze?(value: T): void;
}

/** The static type of a value type's values: `TypeOf<typeof Tick>`. */
export type TypeOf<V> = V extends ValueType<infer T> ? T : never;

/** A value as the wire has it. */
export interface TypedValue {
  readonly typename: string;
  readonly hasValue: boolean;
  readonly value: Uint8Array;
}

/** Names of value types are read as laxly as the official SDKs do: a '/' somewhere between two texts. */
export function requireValueTypeName(typename: string): string {
  if (typeof typename === "string" && /^[^/].*\/[^/]*[^/]$/.test(typename)) return typename;
  throw new SdkError(
    "DEFINITION_INVALID",
    `${inspect(typename)} is no name of a value type: write "<namespace>/<name>"`,
  );
}

/** Serializes, and says which type a refused value was meant to have. */
export function typedValue<T>(type: ValueType<T>, value: T): TypedValue {
  return { typename: type.typename, hasValue: true, value: serializeAs(type, value) };
}

export function serializeAs<T>(type: ValueType<T>, value: T): Uint8Array {
  try {
    const bytes: unknown = type.serialize(value);
    if (bytes instanceof Uint8Array) return bytes;
    throw new TypeError(`serialize gave ${inspect(bytes)}, not a Uint8Array`);
  } catch (cause) {
    throw new SdkError("VALUE_INVALID", `${inspect(value)} cannot be written as ${type.typename}`, {
      cause,
    });
  }
}
