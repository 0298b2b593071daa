import { inspect, SdkError } from "./errors.ts";
import { splitTypeName } from "./type-name.ts";

/** The logical address of one function instance: its type `<namespace>/<name>`, and its id. */
export interface Address {
  readonly type: string;
  readonly id: string;
}

/** An address as the wire has it. */
export interface WireAddress {
  readonly namespace: string;
  readonly type: string;
  readonly id: string;
}

/**
 * The address of the instance `id` of any function type, in whatever language it is written.
 *
 * @throws SdkError CONTEXT_MISUSED when `type` is no type name or `id` is empty.
 */
export function address(type: string, id: string): Address {
  toWire(type, id);
  return { type, id };
}

export function toWire(type: string, id: string): WireAddress {
  const parts = typeof type === "string" ? splitTypeName(type) : undefined;
  if (parts === undefined) {
    throw new SdkError(
      "CONTEXT_MISUSED",
      `${inspect(type)} is no function type: write "<namespace>/<name>", with exactly one "/"`,
    );
  }
  if (typeof id !== "string" || id === "") {
    throw new SdkError(
      "CONTEXT_MISUSED",
      `the id of an address of type ${type} must be a string that is not empty, not ${inspect(id)}`,
    );
  }
  return { namespace: parts.namespace, type: parts.name, id };
}

/** "demo/subscription "ada"", for messages. */
export function describeAddress(wire: WireAddress): string {
  return `${wire.namespace}/${wire.type} ${inspect(wire.id)}`;
}
