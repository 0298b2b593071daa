import { requireValueTypeName, type ValueType } from "./value-type.ts";

export interface CustomCodec<T> {
  serialize(value: T): Uint8Array;
  deserialize(bytes: Uint8Array): T;
}

/** Values in a form of your own. What the codec throws is reported with the name of the type. */
export function custom<T>(typename: string, codec: CustomCodec<T>): ValueType<T> {
  return {
    typename: requireValueTypeName(typename),
    serialize: (value) => codec.serialize(value),
    deserialize: (bytes) => codec.deserialize(bytes),
  };
}
