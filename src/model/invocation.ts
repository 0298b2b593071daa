import type { Address } from "./address.ts";
import type { Message } from "./message.ts";
import type { TypedValue } from "./typed-value.ts";

/**
 * One call of a function with a batch of messages of one address, as the partition asks for it and as a
 * transport answers it. The transport translates; it decides nothing.
 */
export interface Invocation {
  readonly target: Address;
  /** Name of the endpoint that serves the target's type. */
  readonly endpoint: string;
  /**
   * The states to send, each one encoded entry of the request's repeated PersistedValue, field tag and
   * length included: they are copied into the request as they are.
   */
  readonly state: readonly Uint8Array[];
  /** At least one; in order. */
  readonly messages: readonly Message[];
  /** 1, or more when the first message of the batch has been delivered before. */
  readonly attempt: number;
}

/** How a call ended. There is no other way for it to end: whatever happens becomes one of these. */
export type Outcome =
  | { readonly kind: "reply"; readonly effects: Effects }
  /** The function needs states it was not given. Nothing was done. */
  | { readonly kind: "incomplete"; readonly missing: readonly StateSpec[] }
  /** The endpoint's trouble (unreachable, 408, 429, 502, 503, 504, timeout): nobody's message is blamed. */
  | { readonly kind: "retryLater"; readonly reason: string }
  /** This batch's trouble: any other answer. */
  | { readonly kind: "failed"; readonly reason: string };

/** What a function wants done, in the order it is applied: field by field, each list in its order. */
export interface Effects {
  readonly messages: readonly OutgoingMessage[];
  readonly delayed: readonly DelayedEffect[];
  readonly egress: readonly OutgoingRecord[];
  readonly mutations: readonly StateMutation[];
}

export interface OutgoingMessage {
  readonly target: Address;
  readonly value: TypedValue;
}

export type DelayedEffect =
  | {
      readonly kind: "send";
      readonly target: Address;
      readonly value: TypedValue;
      /** Not negative; 0 is legal. */
      readonly delayMs: number;
      /** Empty: cannot be cancelled. */
      readonly token: string;
    }
  | { readonly kind: "cancel"; readonly token: string };

export interface OutgoingRecord {
  /** `namespace/name` of the egress. */
  readonly egress: string;
  readonly value: TypedValue;
}

/** `value` undefined deletes. */
export interface StateMutation {
  readonly name: string;
  readonly value: TypedValue | undefined;
}

export type ExpireMode = "never" | "afterWrite" | "afterInvoke";

/** A state a function type has declared. */
export interface StateSpec {
  readonly name: string;
  readonly typename: string;
  readonly expireMode: ExpireMode;
  /** Meaningless when `expireMode` is "never". */
  readonly expireAfterMs: number;
}
