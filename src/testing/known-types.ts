import type { AnyStatefulFunction, ValueType } from "@statefold/sdk";
import { fromUtf8, utf8 } from "../base/bytes.ts";
import { decodeBuiltin, isBuiltinType } from "../model/builtin-types.ts";
import type { TypedValue } from "../model/typed-value.ts";

/** The value types that the functions under test have mentioned, by name. */
export class KnownTypes {
  readonly #types = new Map<string, ValueType<unknown>>();

  learn(functions: Iterable<AnyStatefulFunction>): void {
    for (const { definition } of functions) {
      for (const { type } of definition.specs) this.#types.set(type.typename, type);
    }
    // Later, since the type of a message is what a test writes with.
    for (const { definition } of functions) {
      for (const { type } of definition.bindings.values()) this.#types.set(type.typename, type);
    }
  }

  get(typename: string): ValueType<unknown> | undefined {
    return this.#types.get(typename);
  }

  /** Readable, whatever it is: what its type says, else text, else bytes; undefined when there is no value. */
  read({ typename, hasValue, value }: TypedValue): unknown {
    if (!hasValue) return undefined;
    try {
      const type = this.#types.get(typename);
      if (type !== undefined) return type.deserialize(value);
      if (isBuiltinType(typename)) return decodeBuiltin(typename, value);
    } catch {
      // Not what its name says: shown as it is.
    }
    return textOrBytes(value);
  }
}

export function textOrBytes(bytes: Uint8Array): string | Uint8Array {
  const text = fromUtf8(bytes);
  return Buffer.compare(utf8(text), bytes) === 0 ? text : new Uint8Array(bytes);
}
