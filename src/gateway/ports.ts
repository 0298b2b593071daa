import type { Address } from "../model/address.ts";
import type { Header } from "../model/message.ts";
import type { TypedValue } from "../model/typed-value.ts";

/**
 * What the gateway needs of the node, besides administration (admin-port.ts). Plain data in and out; the
 * node implements these, a test fakes them. Every promise may reject with a StatefoldError, whose code
 * decides the status of the answer; anything else is answered as INTERNAL and logged.
 */
export interface Messages {
  /**
   * Resolves when the message is durable. With an idempotency key that was seen for this target within its
   * retention, it resolves with the first message's id and sends nothing.
   *
   * @throws TYPE_UNKNOWN, OVERLOADED, UNAVAILABLE, VALUE_TOO_LARGE, REQUEST_INVALID
   */
  send(request: SendRequest): Promise<{ readonly messageId: string }>;

  /**
   * Answers with the reply that the function sends to its caller, once that reply is durable, or with
   * `pending` when `timeoutMs` is over, or at once when the caller hangs up; the work goes on then.
   * Never `unknown`.
   *
   * @throws as send, or fails with it
   */
  call(request: CallRequest): void;

  /**
   * The reply of an earlier call: as soon as there is one, or `pending` after `timeoutMs`; `unknown` when
   * there is no such call, or no longer.
   */
  fetchCall(callId: string, timeoutMs: number, caller: Caller): void;
}

/** What send and call have in common. */
export interface MessageRequest {
  readonly target: Address;
  readonly value: TypedValue;
  /** Of the caller's choice: the same key to the same address is done once. */
  readonly idempotencyKey: string | undefined;
  /** Well-formed W3C trace context, to be passed through. */
  readonly traceparent: string | undefined;
  readonly headers: readonly Header[];
}

export interface SendRequest extends MessageRequest {
  /** 0: at once. */
  readonly delayMs: number;
}

export interface CallRequest extends MessageRequest {
  readonly timeoutMs: number;
  readonly caller: Caller;
}

/** Who waits for the reply to a call; told of one of the two, once. Neither may throw. (A promise for each costs a tenth of a call.) */
export interface Caller {
  readonly waiter: Waiter;
  answered(result: CallResult): void;
  failed(error: unknown): void;
}

/**
 * Who waits for an answer, and may leave before it comes. (An AbortSignal does more, and is a fifth of what a
 * request costs here.)
 */
export interface Waiter {
  readonly hasLeft: boolean;
  /** Told when it leaves; not when it had left before this was set. */
  listener: LeaveListener | undefined;
}

export interface LeaveListener {
  waiterLeft(): void;
}

/** Ids are visible ASCII: they stand in headers and paths. */
export type CallResult =
  | { readonly kind: "reply"; readonly value: TypedValue; readonly messageId: string }
  | {
      readonly kind: "pending";
      readonly callId: string;
      /** What is in the way of the message, in words, when something is. */
      readonly obstacle?: string;
    }
  | { readonly kind: "unknown" };

/** The topic log. */
export interface Topics {
  list(): Promise<readonly TopicInfo[]>;

  /**
   * Appends in order and resolves when all records are durable, with the place of each. A topic that does
   * not exist is created, unless the node's rules forbid it (TOPIC_UNKNOWN).
   *
   * @throws TOPIC_UNKNOWN, REQUEST_INVALID (the topic's name, or a partition that it does not have),
   *   VALUE_TOO_LARGE, LOG_WRITE_FAILED, OVERLOADED
   */
  write(topic: string, records: readonly NewRecord[]): Promise<readonly RecordPlace[]>;

  /**
   * What is there now from `offset` on: at least one record when there is any, however large. An offset
   * below the oldest kept record begins at that one.
   *
   * @throws TOPIC_UNKNOWN, REQUEST_INVALID (no such partition)
   */
  read(topic: string, range: ReadRange): Promise<readonly TopicRecord[]>;

  /**
   * What is there from `from` on, and then what comes, until the signal is aborted; that ends the
   * iteration without an error. It reads ahead no further than it is asked to.
   *
   * @throws as read, before there is anything to iterate
   */
  follow(
    topic: string,
    from: FollowRange,
    signal: AbortSignal,
  ): Promise<AsyncIterable<TopicRecord>>;
}

export interface TopicInfo {
  readonly name: string;
  readonly partitions: readonly TopicPartitionInfo[];
}

export interface TopicPartitionInfo {
  readonly partition: number;
  /** The oldest record kept, and the one that will be written next. */
  readonly beginOffset: number;
  readonly endOffset: number;
  readonly bytes: number;
}

export interface NewRecord {
  /** Undefined: no key; the log spreads such records as it likes. */
  readonly key: Uint8Array | undefined;
  /** Undefined: a tombstone. */
  readonly value: Uint8Array | undefined;
  readonly headers: readonly Header[];
  /** Undefined: by the key. */
  readonly partition: number | undefined;
  /** Undefined: the time it is written. */
  readonly timestampMs: number | undefined;
}

export interface RecordPlace {
  readonly partition: number;
  readonly offset: number;
}

export interface TopicRecord extends RecordPlace {
  readonly timestampMs: number;
  readonly key: Uint8Array | undefined;
  readonly value: Uint8Array | undefined;
  readonly headers: readonly Header[];
}

/** An offset, or an end of the topic. */
export type From = number | "earliest" | "latest";

export interface ReadRange {
  readonly partition: number;
  readonly from: From;
  readonly maxRecords: number;
  readonly maxBytes: number;
}

export interface FollowRange {
  /** Undefined: all partitions, mixed as they come. */
  readonly partition: number | undefined;
  readonly from: From;
}

/** What probes and scrapers ask. None of it may wait for anything. */
export interface Health {
  /** False: only a restart helps. */
  live(): boolean;
  ready(): Readiness;
  /** All metrics, in Prometheus' text format 0.0.4. */
  metrics(): string;
}

export interface Readiness {
  readonly ready: boolean;
  readonly reason?: string;
}
