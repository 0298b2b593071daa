import { SdkError } from "../errors.ts";
import { requireValueTypeName, type ValueType } from "./value-type.ts";

/**
 * A generated protobuf message, in the style of whichever generator made it:
 * - protobufjs and ts-proto: `encode(message).finish()`, `decode(bytes)`;
 * - protobuf-es 1: `fromBinary(bytes)` on the class, `toBinary()` on the message;
 * - protobuf-es 2: `{ toBinary: (m) => toBinary(Schema, m), fromBinary: (b) => fromBinary(Schema, b) }`;
 * - google-protobuf: `deserializeBinary(bytes)` on the class, `serializeBinary()` on the message.
 */
export type ProtobufCodec<T> =
  | { encode(message: T): { finish(): Uint8Array }; decode(bytes: Uint8Array): T }
  | { toBinary(message: T): Uint8Array; fromBinary(bytes: Uint8Array): T }
  | { fromBinary(bytes: Uint8Array): T & { toBinary(): Uint8Array } }
  | { deserializeBinary(bytes: Uint8Array): T & { serializeBinary(): Uint8Array } };

/**
 * A protobuf message, under a name of your own. The Python SDK's default name is
 * `type.googleapis.com/<full name of the message>`.
 */
export function protobuf<T>(typename: string, codec: ProtobufCodec<T>): ValueType<T> {
  requireValueTypeName(typename);
  if ("encode" in codec && "decode" in codec) {
    return {
      typename,
      serialize: (value) => codec.encode(value).finish(),
      deserialize: (bytes) => codec.decode(bytes),
    };
  }
  if ("fromBinary" in codec) {
    return {
      typename,
      serialize: (value) => ("toBinary" in codec ? codec.toBinary(value) : call(value, "toBinary")),
      deserialize: (bytes) => codec.fromBinary(bytes),
    };
  }
  if ("deserializeBinary" in codec) {
    return {
      typename,
      serialize: (value) => call(value, "serializeBinary"),
      deserialize: (bytes) => codec.deserializeBinary(bytes),
    };
  }
  throw new SdkError(
    "DEFINITION_INVALID",
    `the codec of ${typename} has none of encode and decode, toBinary and fromBinary, deserializeBinary`,
  );
}

function call(message: unknown, method: "toBinary" | "serializeBinary"): Uint8Array {
  const bytes = (message as Partial<Record<typeof method, () => Uint8Array>> | null)?.[method]?.();
  if (bytes === undefined) throw new TypeError(`it has no method ${method}()`);
  return bytes;
}
