import type { Address } from "../model/address.ts";
import type { Header } from "../model/message.ts";
import type { TypedValue } from "../model/typed-value.ts";
import type { Readiness } from "./ports.ts";

/**
 * What a person may see and do, as the gateway needs it of the node. Lists come in pages and in a stable
 * order; `next` of a page is `after` of the following one. Times are ms since the epoch.
 */
export interface Admin {
  status(): Promise<NodeStatus>;
  partitions(): Promise<readonly PartitionStatus[]>;
  endpoints(): Promise<readonly EndpointStatus[]>;

  /** Addresses that have state or mail. */
  addresses(query: AddressQuery): Promise<Page<AddressSummary>>;
  /** Undefined when nothing is known of the address. */
  address(address: Address): Promise<AddressDetail | undefined>;
  timers(query: PageQuery): Promise<Page<TimerSummary>>;

  parked(query: StuckQuery): Promise<Page<ParkedSummary>>;
  parkedDetail(address: Address): Promise<ParkedDetail | undefined>;
  /** The address goes on, from the message it stopped at. False: it is not parked. */
  parkedRetry(address: Address): Promise<boolean>;
  /** Gives up the message it stopped at, into the dead letters, and goes on. Undefined: not parked. */
  parkedSkip(address: Address): Promise<{ readonly messageId: string } | undefined>;
  /** Removes all its messages for good. How many; undefined: not parked. */
  parkedPurge(address: Address): Promise<number | undefined>;

  dead(query: StuckQuery): Promise<Page<DeadSummary>>;
  deadDetail(id: string): Promise<DeadDetail | undefined>;
  /**
   * Sends it once more, to where it was meant for, or to `to`, and removes it here. False: there is none.
   * Rejects when `to` cannot take it; then it stays.
   */
  deadRetry(id: string, to: NewTarget | undefined): Promise<boolean>;
  /** Removes it for good. False: there is none. */
  deadPurge(id: string): Promise<boolean>;

  /**
   * Takes a snapshot of what is there now; resolves when it is complete. Rejects when there is none: NOT_FOUND where
   * no snapshots are kept, SNAPSHOT_ABANDONED, SNAPSHOT_FENCED.
   */
  snapshotNow(): Promise<SnapshotReport>;
}

/** A page may be short, or empty, and still not be the last: so much is looked through at once. */
export interface PageQuery {
  /** Opaque; undefined: from the beginning. */
  readonly after: string | undefined;
  readonly limit: number;
}

export interface AddressQuery extends PageQuery {
  /** Of this function type only. */
  readonly type: string | undefined;
}

/** Which stuck work is meant: what fulfils every condition. Undefined: no condition. */
export interface StuckQuery extends PageQuery {
  /** Of this function type: the one that failed, or that a dead letter was meant for. */
  readonly type: string | undefined;
  readonly code: string | undefined;
  /** A part of the reason. */
  readonly reason: string | undefined;
  /** Parked, or given up, at this time or earlier. */
  readonly untilMs: number | undefined;
}

export interface NewTarget {
  /** `namespace/name`: a function type, or an egress for a record. */
  readonly type: string;
  /** Undefined: the id it had. */
  readonly id: string | undefined;
}

export interface Page<T> {
  readonly items: readonly T[];
  /** Undefined: this was the last page. */
  readonly next: string | undefined;
}

export interface AddressSummary {
  readonly address: Address;
  readonly stateBytes: number;
  /** Messages that wait. */
  readonly pending: number;
  readonly parked: boolean;
}

export interface AddressDetail extends AddressSummary {
  readonly states: readonly StateValue[];
}

export interface StateValue {
  readonly name: string;
  readonly value: TypedValue;
  readonly expiresAtMs: number | undefined;
}

export interface TimerSummary {
  readonly dueAtMs: number;
  readonly sender: Address | undefined;
  readonly target: Address;
  readonly valueType: string;
  /** Empty: cannot be cancelled. */
  readonly token: string;
  readonly messageId: string;
}

export interface ParkedSummary {
  readonly address: Address;
  readonly code: string;
  readonly reason: string;
  readonly sinceMs: number;
  readonly attempts: number;
  /** Messages that wait, the one it stopped at included. */
  readonly pending: number;
}

export interface ParkedDetail extends ParkedSummary {
  /** The first messages that wait, in order, ten at most. */
  readonly messages: readonly MessageView[];
}

export interface MessageView {
  readonly id: string;
  readonly target: Address;
  readonly caller: Address | undefined;
  readonly causeId: string | undefined;
  readonly acceptedAtMs: number;
  readonly traceparent: string | undefined;
  readonly value: TypedValue;
  /** Of the record it came from. */
  readonly headers: readonly Header[];
  /** The time of that record, where there is one. */
  readonly recordAtMs: number | undefined;
}

export interface DeadSummary {
  readonly id: string;
  /** The address in whose turn it died; undefined when it came from a source and reached none. */
  readonly address: Address | undefined;
  /** The function it was meant for; undefined for a record. */
  readonly target: Address | undefined;
  readonly code: string;
  readonly reason: string;
  readonly atMs: number;
  readonly attempts: number;
  readonly kind: "message" | "record";
  readonly valueType: string;
  /** `name/partition@offset`, when it came from a source. */
  readonly source: string | undefined;
  /** The egress it was meant for, when it was a record. */
  readonly egress: string | undefined;
}

export interface DeadDetail extends DeadSummary {
  readonly value: TypedValue;
  /** Undefined for a record. */
  readonly message: MessageView | undefined;
}

/** One screen. */
export interface NodeStatus {
  readonly version: string;
  readonly application: string;
  /** Undefined: in memory. */
  readonly dataDir: string | undefined;
  readonly startedAtMs: number;
  readonly readiness: Readiness;
  readonly partitions: readonly PartitionStatus[];
  readonly endpoints: readonly EndpointStatus[];
  readonly ingresses: readonly IngressStatus[];
  readonly egresses: readonly EgressStatus[];
  readonly lastSnapshot: SnapshotStatus | undefined;
  /** Why the latest attempt at one was given up; undefined when it was not, or there was none. */
  readonly snapshotReason: string | undefined;
}

export interface PartitionStatus {
  readonly partition: number;
  readonly phase: "loading" | "running" | "failed" | "stopped";
  readonly epoch: number;
  /** Messages since the beginning: taken over, and done. */
  readonly accepted: number;
  readonly finished: number;
  /** Messages that wait in mailboxes, those of parked addresses too, and their bytes. */
  readonly pending: number;
  readonly pendingBytes: number;
  /** Of those messages: found when it was opened, and not counted yet, nor are their bytes. Soon 0. */
  readonly uncounted: number;
  /** Invocations that have not come back. */
  readonly inFlight: number;
  readonly timers: number;
  /** Outbox entries that have not left. */
  readonly outbox: number;
  /** Addresses that wait for a person. */
  readonly parked: number;
  readonly dead: number;
}

export interface EndpointStatus {
  readonly name: string;
  /** `namespace/name` or `namespace/*`. */
  readonly functions: string;
  /** A URL, or the file of embedded functions. */
  readonly target: string;
  readonly transport: string;
  /** Many calls share a request; false: one address a request, or none needed. It is found out by the first answers. */
  readonly frames: boolean;
  readonly circuit: "closed" | "open" | "probing";
  readonly inFlight: number;
  /** Why the last call failed, while the circuit is not closed. */
  readonly reason: string | undefined;
  readonly nextProbeAtMs: number | undefined;
}

export interface IngressStatus {
  readonly id: string;
  readonly kind: string;
  readonly phase: "running" | "stopped" | "failed";
  /** Records behind the end of what it reads; undefined: not known. */
  readonly lag: number | undefined;
  /** Why it has failed, or cannot read just now and tries again. */
  readonly reason: string | undefined;
}

export interface EgressStatus {
  readonly id: string;
  readonly kind: string;
  /** Records that have not left. */
  readonly pending: number;
  /** Of them, those that wait for a snapshot (`release: snapshot`). */
  readonly held: number;
  readonly reason: string | undefined;
  /** About what a call to the receiver took of late; undefined before the first. */
  readonly publishMs: number | undefined;
  /** How its transactions have ended, since the node's start; aborted, or nobody knows. Undefined: it has none. */
  readonly transactions: { readonly committed: number; readonly aborted: number } | undefined;
}

export interface SnapshotStatus {
  readonly barrier: number;
  readonly atMs: number;
}

/** A snapshot that has come to be complete. */
export interface SnapshotReport {
  readonly name: string;
  readonly barrier: number;
  readonly takenAtMs: number;
  /** What it has added to the blob store. */
  readonly writtenBytes: number;
  /** From the announcement until it was complete. */
  readonly elapsedMs: number;
}
