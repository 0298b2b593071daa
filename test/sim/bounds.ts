/**
 * What one life of a partition takes, holds and sends at once stays within its bounds (I9). Seen from
 * outside, at the end of each turn.
 */

import assert from "node:assert/strict";
import { addressKey } from "../../src/model/address.ts";
import { messageBytes } from "../../src/model/message.ts";
import type { PartitionLimits } from "../../src/partition/limits.ts";
import type { Partition } from "../../src/partition/partition.ts";
import type { Input, Release, StartedInvocation, Turn } from "../../src/partition/ports.ts";
import { egressDestination, partitionDestination } from "../../src/store/keys.ts";

/** What is read back from disk is measured there, where it weighs less than in memory. */
const WINDOW_SLACK = 4;

export class Bounds {
  readonly #partition: Partition;
  readonly #limits: PartitionLimits;
  /** Bytes sent and not acknowledged, by destination and first number. */
  readonly #sent = new Map<
    string,
    Map<number, { readonly last: number; readonly bytes: number }>
  >();

  /** By destination. */
  readonly #ackedUpTo = new Map<string, number>();

  constructor(partition: Partition, limits: PartitionLimits) {
    this.#partition = partition;
    this.#limits = limits;
  }

  /** Whoever brings work has asked whether there is room: what was offered before counts at once. */
  offered(input: Input, before: readonly Input[]): void {
    if (input.kind === "channel" || messagesIn(input) === 0) return;
    const waiting = before.reduce((sum, each) => sum + messagesIn(each), 0);
    const unfinished = this.#unfinished().messages + waiting;
    const bound = this.#limits.unfinishedMessages;
    assert(unfinished < bound, `I9: ${unfinished} messages are unfinished, and more is taken`);
  }

  /** What it was told, also while it opens: that is kept, and applied before anything else is sent. */
  heard(inputs: readonly Input[]): void {
    for (const input of inputs) {
      if (input.kind === "acknowledged") this.#acknowledged(input.destination, input.upTo);
      if (input.kind === "resume") this.#acknowledged(input.destination, input.next - 1);
    }
  }

  after(turn: Turn, nowMs: number): void {
    this.#fullness(turn, nowMs);
    for (const { invocation } of turn.invocations) this.#batch(invocation);
    this.#concurrency();
    for (const release of turn.releases) this.#released(release);
  }

  /** It is full when what is neither done nor parked has reached a bound, and not otherwise. */
  #fullness(turn: Turn, nowMs: number): void {
    const { epochs, isFull, ledger } = this.#partition;
    // Inputs that wait for an epoch with room count too, and cannot be seen.
    if (epochs.isHeavy || (turn.wakeAtMs ?? Infinity) <= nowMs) return;
    const limits = this.#limits;
    const { messages, bytes, parked } = this.#unfinished();
    const isAtBound =
      messages >= limits.unfinishedMessages ||
      bytes >= limits.unfinishedBytes ||
      ledger.outboxBytes >= limits.outboxBytes ||
      parked >= limits.parkedAddresses;
    assert.equal(isFull, isAtBound, "I9: whether the partition is full");
  }

  #unfinished(): { messages: number; bytes: number; parked: number } {
    const { mailboxes, ledger, barrier } = this.#partition;
    const { heldWeight } = barrier;
    let [messages, bytes, parked] = [ledger.outbox + heldWeight.messages, heldWeight.bytes, 0];
    let counted = 0;
    for (const mailbox of mailboxes.values()) {
      if (mailbox.phase.kind === "parked") parked++;
      else {
        messages += mailbox.count;
        bytes += mailbox.bytes;
      }
      counted += mailbox.count;
    }
    // What was not counted yet since the opening is unfinished, as far as anybody knows.
    messages += ledger.mail - counted;
    return { messages, bytes, parked };
  }

  #batch({ target, messages }: StartedInvocation["invocation"]): void {
    const bytes = messages.reduce((sum, message) => sum + messageBytes(message), 0);
    const isWithin = messages.length === 1 || bytes <= this.#limits.batchBytes;
    assert(isWithin, `I9: ${bytes} bytes for ${addressKey(target)} at once`);
  }

  #concurrency(): void {
    for (const { type, running, binding } of this.#partition.delivery.lanes()) {
      assert(running <= binding.concurrency, `I9: ${running} of ${type} are called at once`);
    }
  }

  #released(release: Release): void {
    if (release.kind !== "publish" && release.kind !== "channel") return;
    const isEgress = release.kind === "publish";
    const destination = isEgress
      ? egressDestination(release.egress)
      : partitionDestination(release.to);
    const sizes = isEgress
      ? release.records.map(({ value }) => 200 + value.value.byteLength)
      : release.messages.map((message) => messageBytes(message));
    const sent = this.#sent.get(destination) ?? new Map();
    this.#sent.set(destination, sent);
    const last = release.first + sizes.length - 1;
    // Again, also while its acknowledgement waits for an epoch with room.
    if (sent.has(release.first) || last <= (this.#ackedUpTo.get(destination) ?? 0)) return;
    let held = 0;
    for (const { bytes } of sent.values()) held += bytes;
    const bound = WINDOW_SLACK * this.#limits.outboxBytesInMemory;
    assert(held < bound, `I9: ${held} bytes for ${destination} are sent, and more follow`);
    const bytes = sizes.reduce((sum, size) => sum + size, 0);
    sent.set(release.first, { last, bytes });
  }

  #acknowledged(destination: string, upTo: number): void {
    this.#ackedUpTo.set(destination, Math.max(upTo, this.#ackedUpTo.get(destination) ?? 0));
    const sent = this.#sent.get(destination);
    for (const [first, { last }] of sent ?? []) if (last <= upTo) sent?.delete(first);
  }
}

function messagesIn(input: Input): number {
  if (input.kind === "send" || input.kind === "call") return 1;
  if (input.kind === "channel") return input.messages.length;
  if (input.kind !== "source") return 0;
  return input.records.reduce((sum, { messages }) => sum + messages.length, 0);
}
