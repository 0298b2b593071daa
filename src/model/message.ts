import { utf8Length } from "../base/bytes.ts";
import type { Address } from "./address.ts";
import type { TypedValue } from "./typed-value.ts";

export interface Header {
  readonly key: string;
  readonly value: Uint8Array;
}

/** What a function is called with: enough to answer "what caused this, what followed". */
export interface Message {
  readonly target: Address;
  /** The address that sent it, or scheduled it; undefined when it came from outside. */
  readonly caller: Address | undefined;
  readonly value: TypedValue;
  /** The same whenever the same message is handled again; never given to two messages. */
  readonly id: string;
  /** Id of the message that was being handled when this one was sent. */
  readonly causeId: string | undefined;
  /** When the runtime took it over, in ms since the epoch. */
  readonly acceptedAtMs: number;
  /** W3C trace context, passed through. */
  readonly traceparent: string | undefined;
  /** Headers of the record it came from. */
  readonly headers: readonly Header[];
  /** The time of that record, as its producer or broker set it, in ms since the epoch; undefined where there is none. */
  readonly recordAtMs: number | undefined;
}

/** Of a message, what it weighs by; what is not known yet weighs nothing. */
export type Weighed = Pick<Message, "target" | "value" | "headers"> &
  Partial<Pick<Message, "caller" | "causeId" | "traceparent">>;

/**
 * What a message weighs against a bound: all of it that can be long, and a flat amount around that. The
 * target counts twice, since the key of its mail names it again. So it is about what the store takes for
 * it, and whoever makes a message large in an unusual place gains nothing by it.
 */
export function messageBytes(message: Weighed): number {
  const { target, caller, value, causeId, traceparent } = message;
  let bytes = sentBytes(target, value) + sentByBytes(caller, causeId, traceparent);
  for (const header of message.headers) {
    bytes += utf8Length(header.key) + header.value.byteLength;
  }
  return bytes;
}

/** The part of it that says what is sent, and where. */
export function sentBytes(target: Address, value: TypedValue): number {
  return 200 + valueBytes(value) + 2 * addressBytes(target);
}

/** The part of it that says where it came from. */
export function sentByBytes(
  caller: Address | undefined,
  causeId: string | undefined,
  traceparent: string | undefined,
): number {
  const bytes = caller === undefined ? 0 : addressBytes(caller);
  return bytes + (causeId?.length ?? 0) + (traceparent?.length ?? 0);
}

/** The same for a value. */
export function valueBytes(value: TypedValue): number {
  let bytes = value.value.byteLength + utf8Length(value.typename);
  if (value.metadata === undefined) return bytes;
  for (const [key, each] of Object.entries(value.metadata)) {
    bytes += 8 + utf8Length(key) + each.byteLength;
  }
  return bytes;
}

/** The same for an address. */
export function addressBytes({ type, id }: Address): number {
  return utf8Length(type) + utf8Length(id);
}
