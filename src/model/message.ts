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
}

/** What a message weighs against a bound: its payload and a flat amount for all around it. */
export function messageBytes(message: Pick<Message, "target" | "value" | "headers">): number {
  let bytes = 200 + message.value.value.byteLength + 2 * message.target.id.length;
  for (const header of message.headers) bytes += header.key.length + header.value.byteLength;
  return bytes;
}
