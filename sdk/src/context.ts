import { type Address, describeAddress, toWire, type WireAddress } from "./address.ts";
import { type Duration, delayMs } from "./duration.ts";
import type { Effects } from "./effects.ts";
import type { EgressRecord } from "./egress.ts";
import { inspect, SdkError } from "./errors.ts";
import { int64ToNumber, type io } from "./protocol.ts";
import { type Randomness, realRandomness, SeededRandomness } from "./repeatable.ts";
import type { StateOf, States } from "./state.ts";
import { splitTypeName } from "./type-name.ts";
import { type TypedValue, typedValue, type ValueType } from "./types/value-type.ts";

type WireInvocation = io.statefun.sdk.reqreply.ToFunction.Invocation.$Properties;

/** A header of the record that a message came from. */
export interface RecordHeader {
  readonly key: string;
  readonly value: Uint8Array;
}

/**
 * What a handler has beside its message. Everything it does here takes effect together with the changes
 * of state, once and only once, when the whole batch has been handled; if the handler throws, nothing does.
 */
export interface Context<S extends States = Record<never, never>> {
  /** The address that is handling the message. */
  readonly self: Address;
  /** Who sent the message, or scheduled it; a call over HTTP has a caller too. Undefined from an ingress. */
  readonly caller: Address | undefined;
  /** The states of this address. Assign to change, assign undefined to delete. Values are frozen. */
  readonly state: StateOf<S>;

  /** Sends a value to an address. */
  send<T>(target: Address, type: ValueType<T>, value: T): void;
  /**
   * Sends a value to an address later: not before `delay` has passed, counted from when the effects of this
   * batch are taken over. A negative delay is 0. With a `token` it can be cancelled by {@link cancel}.
   */
  sendAfter<T>(
    delay: Duration,
    target: Address,
    type: ValueType<T>,
    value: T,
    options?: { readonly token?: string },
  ): void;
  /** Withdraws the delayed message that this address sent with the token, if it is not under way yet. */
  cancel(token: string): void;
  /** Sends the message being handled on to another address, as it is. */
  forward(target: Address): void;
  /**
   * Sends a value to the caller. Where there is none (the message came from an ingress) nobody waits for
   * it: then nothing is sent, and the answer is false.
   */
  reply<T>(type: ValueType<T>, value: T): boolean;
  /** Hands a record to an egress: one made by `kafka` or `kinesis`, or any value with its type. */
  egress(id: string, record: EgressRecord): void;
  egress<T>(id: string, type: ValueType<T>, value: T): void;

  /** The same whenever the same message is handled again. Undefined with runtimes that do not say. */
  readonly messageId: string | undefined;
  /** 1 at the first delivery of the message. Always 1 with runtimes that do not say. */
  readonly attempt: number;
  /** The message's W3C trace context. */
  readonly traceparent: string | undefined;
  /** Headers of the record that the message came from, in their order. */
  readonly headers: readonly RecordHeader[];
  /**
   * When the runtime took the message over, in ms since the epoch. Like `random()` and `uuid()` the same
   * whenever the message is handled again; with runtimes that send no message id they are the real ones.
   */
  now(): number;
  /** A number from 0 up to, not including, 1. Not for secrets. */
  random(): number;
  /** A version 4 UUID. Not for secrets. */
  uuid(): string;
}

/** One message being handled. It refuses to send once its handler has ended. */
export class MessageContext implements Context {
  readonly state: Record<never, never>;
  readonly #target: WireAddress;
  readonly #invocation: WireInvocation;
  readonly #effects: Effects;
  #randomness: Randomness | undefined;
  #nowMs: number | undefined;
  #ended = false;

  constructor(target: WireAddress, invocation: WireInvocation, state: object, effects: Effects) {
    this.#target = target;
    this.#invocation = invocation;
    this.state = state;
    this.#effects = effects;
  }

  get self(): Address {
    return { type: `${this.#target.namespace}/${this.#target.type}`, id: this.#target.id };
  }

  get caller(): Address | undefined {
    const caller = callerOf(this.#invocation);
    return caller && { type: `${caller.namespace}/${caller.type}`, id: caller.id };
  }

  send<T>(target: Address, type: ValueType<T>, value: T): void {
    this.#push(toWire(target.type, target.id), typedValue(type, value), type, false);
  }

  sendAfter<T>(
    delay: Duration,
    target: Address,
    type: ValueType<T>,
    value: T,
    options?: { readonly token?: string },
  ): void {
    this.#requireRunning();
    this.#effects.delayed.push({
      isCancellationRequest: false,
      delayInMs: delayMs(delay),
      target: toWire(target.type, target.id),
      argument: typedValue(type, value),
      cancellationToken: options?.token ?? "",
      type: type as ValueType<unknown>,
    });
  }

  cancel(token: string): void {
    this.#requireRunning();
    if (typeof token !== "string" || token === "") {
      throw new SdkError("CONTEXT_MISUSED", `${inspect(token)} is no token to cancel by`);
    }
    this.#effects.delayed.push({ isCancellationRequest: true, cancellationToken: token });
  }

  forward(target: Address): void {
    const { argument } = this.#invocation;
    this.#push(toWire(target.type, target.id), argumentOf(argument), undefined, false);
  }

  reply<T>(type: ValueType<T>, value: T): boolean {
    const caller = callerOf(this.#invocation);
    if (caller === undefined) return false;
    this.#push(caller, typedValue(type, value), type, true);
    return true;
  }

  egress(id: string, record: EgressRecord): void;
  egress<T>(id: string, type: ValueType<T>, value: T): void;
  egress(id: string, record: EgressRecord | ValueType<unknown>, value?: unknown): void {
    this.#requireRunning();
    const egress = typeof id === "string" ? splitTypeName(id) : undefined;
    if (egress === undefined) {
      throw new SdkError(
        "CONTEXT_MISUSED",
        `${inspect(id)} is no egress: write "<namespace>/<name>"`,
      );
    }
    const written = "bytes" in record;
    this.#effects.records.push({
      egressNamespace: egress.namespace,
      egressType: egress.name,
      argument: written
        ? { typename: record.typename, hasValue: true, value: record.bytes }
        : typedValue(record, value),
      type: written ? record.valueType : record,
    });
  }

  get messageId(): string | undefined {
    return this.#invocation.messageId || undefined;
  }

  get attempt(): number {
    return this.#invocation.attempt || 1;
  }

  get traceparent(): string | undefined {
    return this.#invocation.traceparent || undefined;
  }

  get headers(): readonly RecordHeader[] {
    return (this.#invocation.headers ?? []).map(({ key, value }) => ({
      key: key ?? "",
      value: value ?? new Uint8Array(0),
    }));
  }

  now(): number {
    this.#nowMs ??= int64ToNumber(this.#invocation.acceptedAtMs) || Date.now();
    return this.#nowMs;
  }

  random(): number {
    return this.#random().random();
  }

  uuid(): string {
    return this.#random().uuid();
  }

  /** After this the context takes no more effects: nobody would carry them out. */
  end(): void {
    this.#ended = true;
  }

  #random(): Randomness {
    const id = this.messageId;
    this.#randomness ??= id === undefined ? realRandomness : new SeededRandomness(id);
    return this.#randomness;
  }

  #push<T>(
    target: WireAddress,
    argument: TypedValue,
    type: ValueType<T> | undefined,
    reply: boolean,
  ): void {
    this.#requireRunning();
    this.#effects.messages.push({ target, argument, type: type as ValueType<unknown>, reply });
  }

  #requireRunning(): void {
    if (!this.#ended) return;
    throw new SdkError(
      "CONTEXT_MISUSED",
      `the handler at ${describeAddress(this.#target)} has ended, so this would be lost: await everything it starts`,
    );
  }
}

/** The caller; three empty fields mean none. */
function callerOf({ caller }: WireInvocation): WireAddress | undefined {
  const namespace = caller?.namespace ?? "";
  const type = caller?.type ?? "";
  const id = caller?.id ?? "";
  return namespace === "" && type === "" && id === "" ? undefined : { namespace, type, id };
}

function argumentOf(argument: WireInvocation["argument"]): TypedValue {
  return {
    ...(argument ?? {}), // field 4 too, which is not ours
    typename: argument?.typename ?? "",
    hasValue: argument?.hasValue ?? false,
    value: argument?.value ?? new Uint8Array(0),
  };
}
