import { requireValueTypeName, type ValueType } from "./value-type.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });

/**
 * A value as UTF-8 JSON, under a name of your own.
 *
 * `check` turns what was parsed into a `T`, or throws: a schema's `parse`, for records from outside.
 * Without it the JSON is trusted to be one.
 */
export function json<T>(typename: string, check?: (parsed: unknown) => T): ValueType<T> {
  return {
    typename: requireValueTypeName(typename),
    serialize(value) {
      const text = JSON.stringify(value) as string | undefined;
      if (text === undefined) throw new TypeError("it has no form in JSON");
      return encoder.encode(text);
    },
    deserialize(bytes) {
      const parsed = JSON.parse(decoder.decode(bytes));
      return check === undefined ? parsed : check(parsed);
    },
    freeze: freezeDeep,
  };
}

/** Plain objects and arrays only: others may have good reasons to change, and typed arrays cannot be frozen. */
function freezeDeep(value: unknown): void {
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return;
  if (!Array.isArray(value)) {
    const prototype = Object.getPrototypeOf(value);
    if (prototype !== Object.prototype && prototype !== null) return;
  }
  Object.freeze(value);
  for (const member of Object.values(value)) freezeDeep(member);
}
