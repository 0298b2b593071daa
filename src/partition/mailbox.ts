/**
 * The pending messages of one address, in order, and what is being done about them.
 *
 *   head     in memory, first in line, at most `maxInMemory` (and what one read of the store brought)
 *   spilled  behind it, in the store alone: a range of sequences and a count
 *   tail     behind that, in memory until its epoch is durable; then it is spilled too
 *
 * I1: an invocation takes a prefix of the head, and there is at most one at a time. The messages stay in
 * the head until its outcome is applied, so a commit meanwhile finds them as pending mail.
 */

import type { Linked } from "../base/chain.ts";
import { Queue } from "../base/queue.ts";
import type { Address } from "../model/address.ts";
import type { StateSpec } from "../model/invocation.ts";
import { type Message, messageBytes } from "../model/message.ts";
import type { AddressState } from "./address-state.ts";

/** A message in a mailbox. Those the next commit must write are a {@link Chain}. */
export interface Pending extends Linked<Pending> {
  readonly sequence: number;
  readonly message: Message;
  readonly bytes: number;
  /** The epoch that holds it, or its cause. */
  epoch: number;
  /** Part of a commit that has been started: removing it takes a write. */
  written: boolean;
  /** In memory alone, whatever is committed, until something comes of it: see mailboxes.ts. */
  fleeting: boolean;
}

/**
 * Around a message in memory: its objects, and the larger part of its mailbox's, by heap snapshot of records in as
 * many mailboxes as there are, or in a tenth of them.
 */
const HELD_BYTES = 500;

/** What it takes in memory, about; `bytes` is what the store takes for it. */
export function heldBytes(pending: Pending): number {
  return pending.bytes + HELD_BYTES;
}

export function pendingOf(message: Message, sequence: number, epoch: number): Pending {
  const bytes = messageBytes(message);
  return {
    sequence,
    message,
    bytes,
    epoch,
    written: false,
    fleeting: false,
    before: undefined,
    after: undefined,
  };
}

/** One for all that wait for nothing. Of the others each is an object of its own: a wait of its own. */
export const IDLE: MailboxPhase = { kind: "idle" };

export type MailboxPhase =
  /** Nothing to do, or what there is waits for something else to be done. */
  | { readonly kind: "idle" }
  /** In its lane's queue. */
  | { readonly kind: "ready" }
  /** Its state or its mail is being read. */
  | { readonly kind: "preparing" }
  | {
      readonly kind: "running";
      readonly ticket: number;
      readonly count: number;
      /** What the request carries. */
      readonly bytes: number;
      /** The states the function was called with. */
      readonly specs: ReadonlyMap<string, StateSpec>;
    }
  /** Whether older mail is in the store is being looked up: see survey.ts. */
  | { readonly kind: "searched" }
  /** After a failure. */
  | { readonly kind: "resting"; readonly untilMs: number }
  /** Its next message may be delivered only once its cause is durable, or an epoch has room for it. */
  | { readonly kind: "awaitingCommit" }
  /** Waits for a person. */
  | { readonly kind: "parked" };

/** A batch that failed, being taken apart to find the message that makes it fail. */
export interface Suspicion {
  /** Messages in the next invocation at most. */
  readonly limit: number;
  /** The suspicion ends behind this sequence. */
  readonly untilSequence: number;
}

export class Mailbox {
  readonly address: Address;
  readonly key: string;
  phase: MailboxPhase = IDLE;
  state: AddressState | undefined;
  readonly head = new Queue<Pending>();
  tail = new Queue<Pending>();
  spilledCount = 0;
  spilledBytes = 0;
  spilledFirst = 0;
  spilledLast = 0;
  /** Of mail found at opening: who sent the first message, until it is read. */
  #firstCaller: Address | undefined;
  suspicion: Suspicion | undefined;
  /** Deliveries of the first message that were not answered with effects, in a row. */
  deliveries = 0;
  /** Failures of the first message when it was delivered alone. */
  failuresAlone = 0;
  bytes = 0;
  #isKnown: boolean;

  readonly #maxInMemory: number;

  /** @param isKnown false: mail of before may be in the store that is not in here yet */
  constructor(address: Address, key: string, maxInMemory: number, isKnown = true) {
    this.address = address;
    this.key = key;
    this.#maxInMemory = maxInMemory;
    this.#isKnown = isKnown;
  }

  /** All mail of before is in here. Until then nothing is done about any. */
  get isKnown(): boolean {
    return this.#isKnown;
  }

  becomeKnown(): void {
    this.#isKnown = true;
    if (this.phase.kind !== "parked") this.closeGap();
  }

  get count(): number {
    return this.head.size + this.spilledCount + this.tail.size;
  }

  /** It will be called without anything else happening to it. */
  get isInLine(): boolean {
    const { kind } = this.phase;
    return kind === "ready" || kind === "awaitingCommit" || kind === "searched";
  }

  /** It is in line, about to be called, or being called. */
  get isServed(): boolean {
    return this.isInLine || this.phase.kind === "preparing" || this.phase.kind === "running";
  }

  /** Who sent the first message; undefined: somebody outside, or it is on disk and nobody knows. */
  get caller(): Address | undefined {
    return this.head.size === 0 ? this.#firstCaller : this.head.peek()?.message.caller;
  }

  /** The first message is on disk alone. */
  get needsMail(): boolean {
    return this.head.size === 0 && this.spilledCount > 0;
  }

  /**
   * Adds a message at the end. `roomForBytes`: whether mail may go on growing in memory. Returns whether it is
   * in the head, and so in memory until something is done about it.
   */
  append(pending: Pending, roomForBytes: boolean): boolean {
    const behindOthers = !this.#isKnown || this.spilledCount > 0 || this.tail.size > 0;
    const isFull = this.head.size >= this.#maxInMemory;
    const isTail = behindOthers || isFull || !roomForBytes;
    if (isTail) this.tail.push(pending);
    else this.head.push(pending);
    this.bytes += pending.bytes;
    return !isTail;
  }

  /**
   * Adds one of before that is in the store, and stays there until the address is served: behind those of before
   * that were added, and in front of all that came since.
   */
  restore(sequence: number, bytes: number, caller: Address | undefined): void {
    const isEmpty = this.spilledCount === 0;
    if (isEmpty || sequence < this.spilledFirst) {
      this.spilledFirst = sequence;
      this.#firstCaller = caller;
    }
    this.spilledLast = isEmpty ? sequence : Math.max(sequence, this.spilledLast);
    this.spilledCount++;
    this.spilledBytes += bytes;
    this.bytes += bytes;
  }

  /** Moves what the last commit made durable from the tail to the disk. Returns the bytes freed. */
  spill(committedEpoch: number): number {
    let freed = 0;
    for (let next = this.tail.peek(); next !== undefined; next = this.tail.peek()) {
      if (!next.written || next.epoch > committedEpoch) break;
      this.tail.shift();
      if (this.spilledCount === 0) this.spilledFirst = next.sequence;
      this.spilledLast = next.sequence;
      this.spilledCount++;
      this.spilledBytes += next.bytes;
      freed += heldBytes(next);
    }
    return freed;
  }

  /**
   * Lets the head go from memory when all of it is durable. For a mailbox that nothing is being done about.
   * Returns the bytes freed.
   */
  unload(committedEpoch: number): number {
    const [first] = this.head;
    const isDurable = ({ written, epoch }: Pending) => written && epoch <= committedEpoch;
    if (first === undefined || ![...this.head].every(isDurable)) return 0;
    const last = this.head.last();
    if (this.spilledCount === 0) this.spilledLast = last?.sequence ?? first.sequence;
    this.spilledFirst = first.sequence;
    let freed = 0;
    for (const pending of this.head.take()) {
      this.spilledCount++;
      this.spilledBytes += pending.bytes;
      freed += heldBytes(pending);
    }
    return freed;
  }

  /** Takes spilled messages back into the head, in order. */
  unspill(loaded: readonly Pending[]): void {
    this.#firstCaller = undefined;
    for (const pending of loaded) {
      this.head.push(pending);
      this.spilledCount--;
      this.spilledBytes -= pending.bytes;
      this.spilledFirst = pending.sequence + 1;
    }
    this.closeGap();
  }

  /** With nothing left on disk, the tail is next in line. */
  closeGap(): void {
    if (this.spilledCount > 0 || this.head.size > 0) return;
    while (this.head.size < this.#maxInMemory) {
      const pending = this.tail.shift();
      if (pending === undefined) return;
      this.head.push(pending);
    }
  }

  /** Takes the first message out. */
  shift(): Pending | undefined {
    const pending = this.head.shift();
    if (pending !== undefined) this.bytes -= pending.bytes;
    if (this.head.size === 0) this.closeGap();
    return pending;
  }

  /** The delivery of the first message went through: what was held against it is forgotten. */
  forgive(): void {
    this.deliveries = 0;
    this.failuresAlone = 0;
  }
}
