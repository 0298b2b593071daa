/**
 * What one life of a partition takes, holds and sends at once stays within its bounds (I9), and nobody
 * is passed over in line (I6). Seen from outside, at the end of each turn.
 */
import assert from "node:assert/strict";
import { addressKey } from "../../src/model/address.ts";
import { messageBytes } from "../../src/model/message.ts";
import type { CircuitState } from "../../src/partition/circuit.ts";
import type { PartitionLimits } from "../../src/partition/limits.ts";
import type { MailboxPhase } from "../../src/partition/mailbox.ts";
import { egressDestination, partitionDestination } from "../../src/partition/outboxes.ts";
import type { Partition } from "../../src/partition/partition.ts";
import type { Input, Release, StartedInvocation, Turn } from "../../src/partition/ports.ts";

/** What is read back from disk is measured there, where it weighs less than in memory. */
const WINDOW_SLACK = 4;

/** The addresses of a function type, and its circuit. */
interface Line {
  readonly state: CircuitState;
  /** In line; each wait is a phase of its own. */
  readonly ready: Set<MailboxPhase>;
  readonly busy: Set<string>;
  readonly parked: Set<string>;
}

export class Bounds {
  readonly #partition: Partition;
  readonly #limits: PartitionLimits;
  /** Who was called since an address got in line. */
  readonly #passers = new WeakMap<MailboxPhase, Set<string>>();
  /** At the end of the turn before, by function type. */
  #lines = new Map<string, Line>();
  /** Bytes sent and not acknowledged, by destination and first number. */
  readonly #sent = new Map<
    string,
    Map<number, { readonly last: number; readonly bytes: number }>
  >();

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

  after(inputs: readonly Input[], turn: Turn, nowMs: number): void {
    this.#fullness(turn, nowMs);
    for (const { invocation } of turn.invocations) this.#batch(invocation);
    this.#lanes(turn.invocations);
    for (const input of inputs) {
      if (input.kind === "acknowledged") this.#acknowledged(input.destination, input.upTo);
      if (input.kind === "resume") this.#acknowledged(input.destination, input.next - 1);
    }
    for (const release of turn.releases) this.#released(release);
  }

  /** It is full when what is neither done nor parked has reached a bound, and not otherwise. */
  #fullness(turn: Turn, nowMs: number): void {
    const { epochs, isFull } = this.#partition;
    // Inputs that wait for an epoch with room count too, and cannot be seen.
    if (epochs.isHeavy || (turn.wakeAtMs ?? Infinity) <= nowMs) return;
    const { messages, bytes } = this.#unfinished();
    const { unfinishedMessages, unfinishedBytes } = this.#limits;
    const isAtBound = messages >= unfinishedMessages || bytes >= unfinishedBytes;
    assert.equal(isFull, isAtBound, "I9: whether the partition is full");
  }

  #unfinished(): { messages: number; bytes: number } {
    const { mailboxes, ledger } = this.#partition;
    let [messages, bytes] = [ledger.outbox, 0];
    for (const mailbox of mailboxes.values()) {
      if (mailbox.phase.kind === "parked") continue;
      messages += mailbox.count;
      bytes += mailbox.bytes;
    }
    return { messages, bytes };
  }

  #batch({ target, messages }: StartedInvocation["invocation"]): void {
    const bytes = messages.reduce((sum, message) => sum + messageBytes(message), 0);
    const isWithin = messages.length === 1 || bytes <= this.#limits.batchBytes;
    assert(isWithin, `I9: ${bytes} bytes for ${addressKey(target)} at once`);
  }

  #lanes(started: readonly StartedInvocation[]): void {
    const { delivery, mailboxes } = this.#partition;
    const lines = new Map<string, Line>();
    for (const { type, circuit, running, binding } of delivery.lanes()) {
      assert(running <= binding.concurrency, `I9: ${running} of ${type} are called at once`);
      lines.set(type, {
        state: circuit.state,
        ready: new Set(),
        busy: new Set(),
        parked: new Set(),
      });
    }
    for (const { address, phase, key } of mailboxes.values()) {
      const line = lines.get(address.type);
      if (phase.kind === "ready") line?.ready.add(phase);
      if (phase.kind === "preparing" || phase.kind === "running") line?.busy.add(key);
      if (phase.kind === "parked") line?.parked.add(key);
    }
    for (const [type, line] of lines) this.#probes(type, line);
    for (const { invocation } of started) {
      const { type } = invocation.target;
      for (const phase of this.#lines.get(type)?.ready ?? []) {
        if (lines.get(type)?.ready.has(phase)) this.#passed(phase, addressKey(invocation.target));
      }
    }
    this.#lines = lines;
  }

  /** While a circuit probes, nobody is called but the probe. (What a person skips is looked at, not called.) */
  #probes(type: string, { state, busy }: Line): void {
    const before = this.#lines.get(type);
    if (state.kind !== "probing" || before === undefined || before.state.kind === "closed") return;
    const most = state === before.state ? 0 : 1;
    const begun = [...busy].filter((key) => !before.busy.has(key) && !before.parked.has(key));
    assert(begun.length <= most, `I6: ${begun.length} of ${type} are called beside the probe`);
  }

  /** Once it may have been ahead. */
  #passed(phase: MailboxPhase, by: string): void {
    const passers = this.#passers.get(phase) ?? new Set();
    this.#passers.set(phase, passers);
    assert(!passers.has(by), `I6: ${by} is called again while others are in line before it`);
    passers.add(by);
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
    if (sent.has(release.first)) return; // again
    let held = 0;
    for (const { bytes } of sent.values()) held += bytes;
    const bound = WINDOW_SLACK * this.#limits.outboxBytesInMemory;
    assert(held < bound, `I9: ${held} bytes for ${destination} are sent, and more follow`);
    const bytes = sizes.reduce((sum, size) => sum + size, 0);
    sent.set(release.first, { last: release.first + sizes.length - 1, bytes });
  }

  #acknowledged(destination: string, upTo: number): void {
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
