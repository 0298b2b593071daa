/** Sees from outside which of the named paths a partition takes. Changes nothing. */

import { addressKey } from "../../src/model/address.ts";
import type { Outcome } from "../../src/model/invocation.ts";
import { CALL_TYPE } from "../../src/model/owner.ts";
import type { CircuitState } from "../../src/partition/circuit.ts";
import { keyText } from "../../src/partition/epochs.ts";
import type { PartitionLimits } from "../../src/partition/limits.ts";
import type { Mailbox, MailboxPhase } from "../../src/partition/mailbox.ts";
import type { Partition } from "../../src/partition/partition.ts";
import type {
  ChannelInput,
  Input,
  OperatorVerb,
  ReadRequest,
  SourceInput,
  StartedInvocation,
} from "../../src/partition/ports.ts";
import type { Write } from "../../src/store/contract.ts";
import { KeyReader, peerSource, TAGS } from "../../src/store/keys.ts";
import { decodeDead } from "../../src/store/records/dead.ts";
import { decodeParked } from "../../src/store/records/parked.ts";
import type { Paths } from "./paths.ts";
import { BURYING } from "./program.ts";

/** One life of one partition. */
export class Watch {
  readonly #paths: Paths;
  readonly #partition: Partition;
  readonly #limits: PartitionLimits;
  readonly #circuits = new Map<string, CircuitState>();
  readonly #called = new Set<string>();
  readonly #asked = new Set<string>();
  /** Keys of the read that is outstanding. */
  #reading: ReadonlySet<string> = new Set();
  /** Phases of mailboxes that have been counted. */
  readonly #seen = new WeakSet<MailboxPhase>();
  /** Whose mail of before the opening is looked for. */
  #searched = new Set<Mailbox>();
  #dropped = 0;
  #skipped = 0;

  constructor(partition: Partition, limits: PartitionLimits, paths: Paths) {
    this.#partition = partition;
    this.#limits = limits;
    this.#paths = paths;
  }

  before(inputs: readonly Input[], tickets: ReadonlySet<number>): void {
    const { epochs } = this.#partition;
    const paths = this.#paths;
    const keys = new Set<string>();
    const calls = new Set<number>();
    const ends = new Map<string, number>();
    for (const input of inputs) {
      switch (input.kind) {
        case "channel":
          this.#channel(input, ends);
          break;
        case "source":
          this.#source(input, ends);
          break;
        case "outcome":
          paths.hitIf(!tickets.has(input.ticket), "lateDouble");
          paths.hitIf(epochs.isHeavy, "heavyEpoch");
          this.#answer(input.ticket);
          break;
        case "acknowledged": {
          const outbox = this.#partition.outboxes.get(input.destination);
          paths.hitIf(outbox !== undefined && input.upTo < outbox.lowest - 1, "ackLate");
          break;
        }
        case "resume": {
          const outbox = this.#partition.outboxes.get(input.destination);
          paths.hitIf((outbox?.resend(input.next).length ?? 0) > 0, "resumeAfterRestart");
          break;
        }
        case "send":
        case "call": {
          if (input.idempotencyKey === undefined) break;
          const key = `${addressKey(input.target)}\0${input.idempotencyKey}`;
          paths.hitIf(keys.has(key), "onceRace");
          keys.add(key);
          if (input.kind === "call") calls.add(input.request);
          break;
        }
        case "hangUp":
          paths.hitIf(calls.has(input.request), "hungUpLooking");
          break;
        case "read":
          for (const key of this.#reading) {
            if (epochs.peek(key) !== undefined) paths.hit("readMeetsWrite");
          }
          this.#reading = new Set();
          break;
        case "operator":
          this.#operator(input.verb);
          break;
        case "committed":
        case "fetch":
        case "barrier":
        case "snapshotComplete":
          break;
      }
    }
  }

  after(read: ReadRequest | undefined, started: readonly StartedInvocation[]): void {
    const paths = this.#paths;
    const { calls, delivery, epochs, states, timers, ledger, mailboxes } = this.#partition;
    const limits = this.#limits;
    if (calls.dropped > this.#dropped) paths.hit("replyDropped");
    this.#dropped = calls.dropped;
    if (delivery.counts.skipped > this.#skipped) paths.hit("skipped");
    this.#skipped = delivery.counts.skipped;
    paths.hitIf(states.bytes > limits.stateCacheBytes && epochs.isCommitting, "evictionHeld");
    const inMemory = timers.inMemory;
    paths.hitIf(inMemory >= limits.timersInMemory && ledger.timers > inMemory, "timersTrimmed");
    paths.hitIf(ledger.fleeting > 0 && epochs.isCommitting, "callInMemory");
    paths.hitIf(mailboxes.bytesInMemory > limits.mailBytesInMemory, "memoryFull");
    this.#lanes();
    this.#searches();
    this.#mailboxes();
    this.#reads(read);
    for (const { invocation } of started) this.#started(invocation);
  }

  /** An answer was applied: which it was, and to how many messages. */
  applied(type: string, outcome: Outcome, isRefused: boolean, count: number): void {
    const hasFailed = outcome.kind === "failed" || isRefused;
    this.#paths.hitIf(hasFailed && count > 1, "splitBatch");
    if (outcome.kind !== "incomplete") return;
    const wanted = `${type} ${outcome.missing.map(({ name }) => name).join()}`;
    this.#paths.hitIf(this.#asked.has(wanted), "specsRacing");
    this.#asked.add(wanted);
  }

  /** A commit has become durable. */
  committed(writes: readonly Write[]): void {
    const paths = this.#paths;
    let meets = false;
    for (const { key, value } of writes) {
      if (this.#reading.size > 0) meets ||= this.#reading.has(keyText(key));
      const tag = key[0];
      if (tag === TAGS.once) paths.hitIf(value === undefined, "sweptOnce");
      else if (tag === TAGS.call) paths.hitIf(value === undefined, "sweptCall");
      else if (tag === TAGS.expiry && value === undefined) {
        const reader = new KeyReader(key);
        reader.number();
        paths.hitIf(reader.text() === "state", "sweptState");
      } else if (tag === TAGS.parked && value !== undefined) {
        paths.hit(decodeParked(value).code === "TARGET_UNKNOWN" ? "typeLeft" : "parked");
      } else if (tag === TAGS.dead && value !== undefined) this.#buried(value);
    }
    paths.hitIf(meets, "readMeetsCommit");
  }

  crashed(): void {
    this.#paths.hitIf(!this.#partition.mailboxes.isSurveyed, "crashSurveying");
    this.#paths.hitIf(this.#partition.ledger.fleeting > 0, "callForgotten");
    for (const mailbox of this.#partition.mailboxes.values()) {
      if (mailbox.suspicion !== undefined) return this.#paths.hit("splitAcrossRestart");
    }
  }

  jumped(byMs: number, nowMs: number): void {
    const paths = this.#paths;
    const { ledger, mailboxes, delivery, timers } = this.#partition;
    if (byMs > 0) {
      const dueMs = timers.inMemory > 0 ? (timers.wakeAtMs(nowMs) ?? Infinity) : Infinity;
      return paths.hitIf(dueMs <= nowMs && dueMs > nowMs - byMs, "clockForwardTimers");
    }
    paths.hitIf(ledger.timers > 0, "clockBackTimers");
    for (const { phase } of mailboxes.values()) {
      paths.hitIf(phase.kind === "resting", "clockBackResting");
    }
    for (const { circuit } of delivery.lanes()) {
      paths.hitIf(circuit.state.kind === "open", "clockBackCircuit");
    }
  }

  #operator(verb: OperatorVerb): void {
    if (!("address" in verb) || this.#partition.parking.get(verb.address) === undefined) return;
    const count = this.#partition.mailboxes.countOf(verb.address);
    this.#paths.hitIf(count === undefined, "operatorSurveying");
  }

  #answer(ticket: number): void {
    for (const { phase, head } of this.#partition.mailboxes.values()) {
      if (phase.kind !== "running" || phase.ticket !== ticket) continue;
      this.#paths.hitIf(head.peek()?.written === false, "neverWritten");
    }
  }

  #channel({ from, first, since, messages }: ChannelInput, ends: Map<string, number>): void {
    const source = peerSource(from);
    const expected = Math.max(
      ends.get(source) ?? this.#partition.positions.next(source) ?? 1,
      since,
    );
    const next = first + messages.length;
    const paths = this.#paths;
    paths.hitIf(
      messages.some(({ target }) => target.type === CALL_TYPE),
      "replyElsewhere",
    );
    if (first > expected) return paths.hit("channelGap");
    if (next <= expected) return paths.hit("channelDuplicate");
    paths.hitIf(first < expected, "channelOverlap");
    ends.set(source, next);
  }

  #source({ source, first, next }: SourceInput, ends: Map<string, number>): void {
    const expected = ends.get(source) ?? this.#partition.positions.next(source) ?? first;
    if (first > expected) return this.#paths.hit("sourceGap");
    if (next <= expected) return this.#paths.hit("sourceRedelivered");
    this.#paths.hitIf(first < expected, "sourceOverlap");
    ends.set(source, next);
  }

  #searches(): void {
    for (const { isKnown, spilledCount } of this.#searched) {
      this.#paths.hitIf(isKnown, spilledCount > 0 ? "searchedOlder" : "searchedNothing");
    }
    const all = [...this.#partition.mailboxes.values()];
    this.#searched = new Set(all.filter(({ phase }) => phase.kind === "searched"));
  }

  #mailboxes(): void {
    const { epochs, mailboxes } = this.#partition;
    for (const { address, phase, spilledCount, head } of mailboxes.values()) {
      if (phase.kind === "running") this.#paths.hitIf(spilledCount > 0, "spilledWhileRunning");
      if (phase.kind !== "awaitingCommit" || this.#seen.has(phase)) continue;
      this.#seen.add(phase);
      // It was about to be called, and where a circuit is not closed, as a probe.
      const isProbe = this.#circuits.get(address.type)?.kind !== "closed";
      this.#paths.hitIf(this.#circuits.has(address.type) && isProbe, "probeAbandoned");
      const isEarly = (head.peek()?.epoch ?? 0) > epochs.committed;
      if (address.type === BURYING && isEarly) this.#paths.hit("committedWaits");
      else this.#paths.hitIf(epochs.isHeavy, "heavyExpiring");
    }
  }

  #lanes(): void {
    const paths = this.#paths;
    for (const { type, circuit } of this.#partition.delivery.lanes()) {
      const before = this.#circuits.get(type);
      const { state } = circuit;
      if (state === before) continue;
      this.#circuits.set(type, state);
      if (before === undefined) continue;
      if (before.kind === "closed") paths.hitIf(state.kind === "open", "circuitOpened");
      else if (state.kind === "closed") paths.hit("probeAnswered");
      else if (state.kind === "open") {
        paths.hitIf(state.openings > before.openings, "probeFailed");
      }
    }
  }

  #reads(read: ReadRequest | undefined): void {
    if (read === undefined) return;
    this.#reading = new Set(read.keys.map(keyText));
    for (const key of read.keys) {
      if (key[0] !== TAGS.state) continue;
      const reader = new KeyReader(key);
      const at = addressKey({ type: reader.text(), id: reader.text() });
      this.#paths.hitIf(this.#called.has(at), "stateEvicted");
    }
    for (const { from } of read.ranges) {
      const { isSurveyed } = this.#partition.mailboxes;
      if (from[0] === TAGS.mail && isSurveyed) this.#paths.hit("mailReadBack");
      if (from[0] === TAGS.outbox) this.#paths.hit("outboxSpilled");
    }
  }

  #started({ target, messages }: StartedInvocation["invocation"]): void {
    const at = addressKey(target);
    this.#called.add(at);
    const mailbox = this.#partition.mailboxes.get(at);
    if (mailbox === undefined || mailbox.suspicion !== undefined) return;
    const isCut = mailbox.head.size > messages.length && target.type !== BURYING;
    const next = mailbox.head.at(messages.length)?.bytes ?? 0;
    let bytes = next;
    for (let i = 0; i < messages.length; i++) bytes += mailbox.head.at(i)?.bytes ?? 0;
    this.#paths.hitIf(isCut && bytes > this.#limits.batchBytes, "batchBounded");
  }

  #buried(value: Uint8Array): void {
    const { code, address } = decodeDead(value);
    const paths = this.#paths;
    if (code === "MAILBOX_FULL") paths.hit("mailboxFull");
    else if (code === "RECORD_INVALID") paths.hit("sourceKeyless");
    else if (code === "EGRESS_REFUSED") paths.hit("egressRefused");
    else if (code === "EGRESS_VALUE_INVALID") paths.hit("recordInvalid");
    else if (code === "FUNCTION_FAILED") paths.hitIf(address?.type === BURYING, "buried");
  }
}
