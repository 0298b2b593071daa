/** What a test sees of messages, timers, and what waits for a person: plain values, read by their types. */
import type { ErrorCode } from "../base/errors.ts";
import type { Address } from "../model/address.ts";
import type { Message } from "../model/message.ts";
import type { KnownTypes } from "./known-types.ts";
import type { TestRecord } from "./outlets.ts";

export interface MessageView {
  readonly id: string;
  readonly target: Address;
  /** Undefined: it came from outside. */
  readonly caller: Address | undefined;
  /** The name of its value's type. */
  readonly type: string;
  /** As its type reads it where a function under test mentions that type; else text, or bytes. */
  readonly value: unknown;
}

export interface TimerView extends MessageView {
  readonly dueAtMs: number;
  /** Empty: it cannot be cancelled. */
  readonly token: string;
}

/** An address whose messages wait for a person, in order. */
export interface ParkedView {
  readonly address: Address;
  readonly code: ErrorCode;
  readonly reason: string;
  readonly sinceMs: number;
  readonly attempts: number;
  readonly messages: readonly MessageView[];
}

/** What was given up. */
export interface DeadView {
  readonly id: string;
  readonly code: ErrorCode;
  readonly reason: string;
  readonly atMs: number;
  readonly attempts: number;
  /** The sender of what could not be routed, or the target of what failed. */
  readonly address: Address | undefined;
  /** One of these two. */
  readonly message: MessageView | undefined;
  readonly record: TestRecord | undefined;
}

export function viewMessage(message: Message, types: KnownTypes): MessageView {
  const { id, target, caller, value } = message;
  return { id, target, caller, type: value.typename, value: types.read(value) };
}
