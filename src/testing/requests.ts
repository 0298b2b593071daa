/** What a test asks of the node, and how it is put into the words of a partition. */
import type { Duration, ValueType } from "@statefold/sdk";
import { utf8 } from "../base/bytes.ts";
import { StatefoldError } from "../base/errors.ts";
import type { Address } from "../model/address.ts";
import type { TypedValue } from "../model/typed-value.ts";
import type { Answer } from "./host.ts";

export interface SendOptions {
  /** Delivered so much later. */
  readonly delay?: Duration;
  /** Idempotency key: with the same key to the same address it is taken once. */
  readonly key?: string;
}

export interface CallOptions {
  /** How long to wait for the reply, in virtual time. Default: not at all, the clock stands still. */
  readonly within?: Duration;
  /** Idempotency key: with the same key to the same address it is done once, with the same reply. */
  readonly key?: string;
}

export interface TopicRecord<T = unknown> {
  /** The id of the functions that it is for. Left out: the record has none. */
  readonly key?: string | Uint8Array;
  /**
   * Written with `type`. Without one text and bytes are written as they are, and anything else with the
   * topic's type, as the functions know it, or as JSON. Left out: a tombstone.
   */
  readonly value?: T;
  readonly type?: ValueType<T>;
  readonly headers?: Readonly<Record<string, string | Uint8Array>>;
}

export const bytesOf = (text: string | Uint8Array): Uint8Array =>
  typeof text === "string" ? utf8(text) : text;

/** For messages to people. */
export const named = (address: Address): string => `${address.type} ${JSON.stringify(address.id)}`;

export function wireValue<T>(type: ValueType<T>, value: T): TypedValue {
  return { typename: type.typename, hasValue: true, value: type.serialize(value) };
}

/** Why a request was not done. */
export function refusalOf(answer: Answer): StatefoldError {
  if (answer.kind === "refused") return new StatefoldError(answer.code, answer.reason);
  return new StatefoldError("INTERNAL", `a request was answered with ${answer.kind}`);
}
