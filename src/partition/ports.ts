/**
 * What goes into a partition and what comes out of it. The machine itself (partition.ts) has no sockets,
 * files, clocks or randomness: a driver executes what a turn returns and offers the results as inputs of
 * a later turn.
 */
import type { ErrorCode } from "../base/errors.ts";
import type { Address } from "../model/address.ts";
import type { Invocation, Outcome } from "../model/invocation.ts";
import type { Header, Message } from "../model/message.ts";
import type { SourceBatch } from "../model/source.ts";
import type { TypedValue } from "../model/typed-value.ts";
import type { Entry, ScanRange, Write } from "../store/contract.ts";
import type { EgressEffect } from "../store/records/outbox.ts";

/** How the messages of a function type are delivered. */
export interface FunctionBinding {
  readonly endpoint: string;
  readonly onFailure: "park" | "deadLetter" | "skip";
  /** Deliveries of a message alone before `onFailure` applies; waits between them. */
  readonly retry: {
    readonly maxAttempts: number;
    readonly initialMs: number;
    readonly maxMs: number;
  };
  /** Invocations in flight at once, for each function type of the endpoint. */
  readonly concurrency: number;
  readonly delivery: "immediate" | "committed";
  readonly maxBatchMessages: number;
}

/** What the module says: which functions and egresses there are. */
export interface Directory {
  /** Undefined: no endpoint takes this type. */
  function(type: string): FunctionBinding | undefined;
  /** Undefined: there is no such egress. */
  egress(id: string): EgressBinding | undefined;
}

export interface EgressBinding {
  /** Undefined when the egress can take the value, else why not. Pure. */
  check(value: TypedValue): string | undefined;
  /** When its records leave: as they are durable (the default), or when a complete snapshot covers them. */
  readonly release?: "commit" | "snapshot" | undefined;
}

// -------------------------------------------------------------------------------------------------
// In
// -------------------------------------------------------------------------------------------------

export type Input =
  | SendInput
  | CallInput
  | FetchInput
  | HangUpInput
  | SourceInput
  | ChannelInput
  | AcknowledgedInput
  | ResumeInput
  | OutcomeInput
  | ReadInput
  | CommittedInput
  | OperatorInput
  | BarrierInput
  | SnapshotCompleteInput;

/** From outside, to be answered by a release with the same request number. */
interface Request {
  readonly request: number;
  readonly target: Address;
  readonly value: TypedValue;
  readonly idempotencyKey: string | undefined;
  readonly traceparent: string | undefined;
  readonly headers: readonly Header[];
}

export interface SendInput extends Request {
  readonly kind: "send";
  readonly delayMs: number;
}

export interface CallInput extends Request {
  readonly kind: "call";
}

/** Waits for the reply of an earlier call. */
export interface FetchInput {
  readonly kind: "fetch";
  readonly request: number;
  readonly callId: string;
}

/**
 * The caller no longer waits. With `keep` it wants the reply later: it is answered `pending` once that is
 * durable (or with the reply, if that came first); without, it is answered nothing.
 */
export interface HangUpInput {
  readonly kind: "hangUp";
  readonly request: number;
  readonly keep: boolean;
}

/** A run of records of one source, in order: `first` must be the position this partition expects (I5). */
export interface SourceInput extends SourceBatch {
  readonly kind: "source";
}

/** From a partition: messages numbered `first`, first + 1, … on the channel between the two (I5). */
export interface ChannelInput {
  readonly kind: "channel";
  readonly from: number;
  readonly first: number;
  /** The lowest number the sender still holds: what is below was acknowledged to it, or never given. */
  readonly since: number;
  readonly messages: readonly Message[];
  /** The number of the sender's last cut: see barrier.ts. */
  readonly barrier: number;
}

/** A destination has everything up to and including number `upTo`, durably. */
export interface AcknowledgedInput {
  readonly kind: "acknowledged";
  readonly destination: string;
  readonly upTo: number;
  /** Records among them that the receiver will never take: they become dead letters. */
  readonly refused?: readonly { readonly number: number; readonly reason: string }[];
  /** The number of its last cut. Egresses that take no part in snapshots have none. */
  readonly barrier?: number | undefined;
}

/**
 * A destination (re)started, or missed something: it has everything below `next`, durably. Send again from
 * there. When it has more than this partition ever gave a number, the numbers go on from there.
 */
export interface ResumeInput {
  readonly kind: "resume";
  readonly destination: string;
  readonly next: number;
  /** The number of its last cut. */
  readonly barrier: number;
}

export interface OutcomeInput {
  readonly kind: "outcome";
  readonly ticket: number;
  readonly outcome: Outcome;
}

export interface ReadInput {
  readonly kind: "read";
  readonly values: readonly (Uint8Array | undefined)[];
  readonly scans: readonly (readonly Entry[])[];
}

/** The running commit is durable. (One that failed ends this partition: nothing more is offered.) */
export interface CommittedInput {
  readonly kind: "committed";
  readonly epoch: number;
}

/** A cut of this number is to be taken for a snapshot, unless it was: see barrier.ts. */
export interface BarrierInput {
  readonly kind: "barrier";
  readonly barrier: number;
}

/** The snapshot of this number holds the cuts of all partitions: the next one may come on top of it. */
export interface SnapshotCompleteInput {
  readonly kind: "snapshotComplete";
  readonly barrier: number;
}

/** A person decides about stuck work. Answered by `operated`, or `refused`, and then nothing was done. */
export interface OperatorInput {
  readonly kind: "operator";
  readonly request: number;
  readonly verb: OperatorVerb;
}

export type OperatorVerb =
  /** Deliver a parked address again. */
  | { readonly kind: "retryParked"; readonly address: Address }
  /** Move the first message of a parked address to the dead letters and go on with the next. */
  | { readonly kind: "skipParked"; readonly address: Address }
  /**
   * Remove the first messages of a parked address for good: those in memory, or as many as one read
   * brings. With none left it is not parked any more.
   */
  | { readonly kind: "purgeParked"; readonly address: Address }
  /** Send a dead letter again: its message, or its record to its egress. */
  | { readonly kind: "retryDead"; readonly number: number; readonly to?: NewTarget | undefined }
  | { readonly kind: "purgeDead"; readonly number: number };

/** Where a dead letter is to go instead: another function, or another egress. */
export interface NewTarget {
  /** A function type, or the id of an egress: both are `namespace/name`. */
  readonly type: string;
  /** Undefined: the id it had. A record takes none. */
  readonly id: string | undefined;
}

// -------------------------------------------------------------------------------------------------
// Out
// -------------------------------------------------------------------------------------------------

export interface Turn {
  readonly invocations: readonly StartedInvocation[];
  /** At most one is outstanding; answered by a ReadInput with one value per key, one list per range. */
  readonly read: ReadRequest | undefined;
  /** At most one is outstanding. */
  readonly commit: Commit | undefined;
  /**
   * What is durable now is this partition's part of a snapshot (I7). To be looked at before anything else of
   * this turn is done: its releases and its commit come after the cut.
   */
  readonly cut: Cut | undefined;
  readonly releases: readonly Release[];
  /** The next turn is due at this time even without input; undefined: none is. */
  readonly wakeAtMs: number | undefined;
}

export interface StartedInvocation {
  readonly ticket: number;
  readonly invocation: Invocation;
}

export interface ReadRequest {
  readonly keys: readonly Uint8Array[];
  readonly ranges: readonly ScanRange[];
}

export interface Cut {
  readonly barrier: number;
  /** The last epoch in it. */
  readonly epoch: number;
  /** Undefined: unknown, and anything may have changed. */
  readonly changes: Changes | undefined;
}

/** What is different from the last complete snapshot: nothing but these keys. */
export interface Changes {
  /** The number of that snapshot. */
  readonly since: number;
  /**
   * Keys with one character for each byte (`Buffer.from(key, "latin1")`); one may be in several sets. What
   * is not in the cut was deleted, or never there.
   */
  readonly keys: readonly ReadonlySet<string>[];
}

export interface Commit {
  readonly epoch: number;
  readonly writes: readonly Write[];
}

/** What leaves the partition; all of it only after the epoch that produced it is durable (I2). */
export type Release =
  | { readonly kind: "accepted"; readonly request: number; readonly messageId: string }
  | {
      readonly kind: "replied";
      readonly request: number;
      /** Of the message that the caller sent. */
      readonly messageId: string;
      readonly value: TypedValue;
    }
  | { readonly kind: "pending"; readonly request: number; readonly callId: string }
  | { readonly kind: "unknownCall"; readonly request: number }
  | {
      readonly kind: "refused";
      readonly request: number;
      readonly code: ErrorCode;
      readonly reason: string;
    }
  | {
      readonly kind: "operated";
      readonly request: number;
      /** The id of the message or record's cause that was decided about; undefined: there is none. */
      readonly found: string | undefined;
      /** How many messages or records it was. */
      readonly messages: number;
      /** It was a part: the same verb goes on. */
      readonly more: boolean;
    }
  | {
      readonly kind: "channel";
      readonly to: number;
      readonly first: number;
      /** The lowest number this partition still holds. */
      readonly since: number;
      readonly messages: readonly Message[];
      /** The number of this partition's last cut as this was made. */
      readonly barrier: number;
    }
  /** To the sender of a channel: everything up to `upTo` is durable here. */
  | {
      readonly kind: "acknowledge";
      readonly to: number;
      readonly upTo: number;
      readonly barrier: number;
    }
  /** To the sender of a channel: everything below `next` is durable here; send again from there. */
  | {
      readonly kind: "resume";
      readonly to: number;
      readonly next: number;
      readonly barrier: number;
    }
  | {
      readonly kind: "publish";
      readonly egress: string;
      /** The partition whose numbers these are, where it is no more, and this one its heir; undefined: this one. */
      readonly heirOf: number | undefined;
      readonly first: number;
      readonly records: readonly EgressEffect[];
      /** The number of the last cut: see barrier.ts. */
      readonly barrier: number;
    };
