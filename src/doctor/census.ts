/**
 * Goes through everything a partition's store holds, counts it, and compares what must agree: the counts
 * with those in the meta record (I4), keys with their records, and what stands under one key because of
 * another. Memory does not grow with what is counted, but for parked addresses, which a node holds too.
 */
import { unreachable } from "../base/assert.ts";
import { describeError } from "../base/errors.ts";
import type { Address } from "../model/address.ts";
import { addressKey } from "../model/address.ts";
import { partitionOf } from "../model/partitioner.ts";
import { KeyReader, keyOf, TAGS, type Tag } from "../store/keys.ts";
import { decodeCall } from "../store/records/call.ts";
import { type DeadRecord, decodeDead } from "../store/records/dead.ts";
import { decodeMessage } from "../store/records/message.ts";
import { decodeMeta, type MetaRecord } from "../store/records/meta.ts";
import { decodeOnce } from "../store/records/once.ts";
import { decodeOutbox } from "../store/records/outbox.ts";
import { decodeParked, type ParkedRecord } from "../store/records/parked.ts";
import { decodePosition } from "../store/records/position.ts";
import { decodeSpecs } from "../store/records/specs.ts";
import { decodeState, type StateRecord } from "../store/records/state.ts";
import { decodeTimer, type TimerRecord } from "../store/records/timer.ts";
import { contradiction, type Finding, type Findings, RESTORE } from "./finding.ts";
import { Fingerprint } from "./pairs.ts";

export interface OutboxCount {
  /** "egress/…" or "partition/…" */
  readonly destination: string;
  readonly effects: number;
  /** The first number it still holds; undefined when it is empty. */
  readonly first: number | undefined;
  /** Behind the last number it holds. */
  readonly end: number;
}

/** Addresses of the runtime itself: callers outside. */
const OWN_TYPE = "io.statefold/call";
/** Function types told one by one. */
const TYPES_SHOWN = 100;

const TAG_OF = new Map<number, Tag>((Object.keys(TAGS) as Tag[]).map((tag) => [TAGS[tag], tag]));

export interface CensusOptions {
  readonly partition: number;
  readonly partitionCount: number;
  readonly nowMs: number;
  /** By address. */
  readonly parked: ReadonlyMap<string, ParkedRecord>;
  readonly findings: Findings;
}

export class Census {
  meta: MetaRecord | undefined;
  entries = 0;
  states = 0;
  readonly statesByType = new Map<string, number>();
  mail = 0;
  mailAddresses = 0;
  oldestMailMs: number | undefined;
  timers = 0;
  timersDue = 0;
  firstTimerMs: number | undefined;
  /** The first that is not due yet. */
  nextTimerMs: number | undefined;
  onceKeys = 0;
  calls = 0;
  specs = 0;
  dead = 0;
  readonly deadByCode = new Map<string, number>();
  readonly outboxes = new Map<string, OutboxCount>();
  /** Of sources, peers, and outboxes (the next number to give). */
  readonly positions = new Map<string, number>();
  /** Messages of parked addresses. */
  readonly parkedMail = new Map<string, number>();
  /** Token and timer, as each of the two has it. */
  readonly tokensOfTokens = new Fingerprint();
  readonly tokensOfTimers = new Fingerprint();
  /** Entries of the expiry index that records stand for. */
  readonly expiriesWanted = new Fingerprint();
  readonly #options: CensusOptions;
  #lastMail: string | undefined;
  #greatestSequence = 0;

  constructor(options: CensusOptions) {
    this.#options = options;
  }

  /** @returns false when the entry cannot be understood */
  take(key: Uint8Array, value: Uint8Array): boolean {
    this.entries++;
    try {
      this.#take(key, value);
      return true;
    } catch (error) {
      const name = Buffer.from(key).toString("hex");
      this.#options.findings.add(
        {
          kind: "damage",
          where: this.#where,
          what: `the entry ${name} cannot be read: ${describeError(error)}`,
          means: "What it holds is lost; the function or receiver it belongs to stops there.",
          advice: RESTORE,
        },
        "entries that cannot be read",
      );
      return false;
    }
  }

  get where(): string {
    return this.#where;
  }

  get #where(): string {
    return `partition ${this.#options.partition}`;
  }

  get greatestSequence(): number {
    return this.#greatestSequence;
  }

  /** Effects of all outboxes. */
  get outboxEffects(): number {
    return [...this.outboxes.values()].reduce((sum, { effects }) => sum + effects, 0);
  }

  #take(key: Uint8Array, value: Uint8Array): void {
    const tag = TAG_OF.get(key[0] ?? 0);
    const reader = new KeyReader(key);
    switch (tag) {
      case "meta":
        this.meta = decodeMeta(value);
        return;
      case "state":
        return this.#state(key, addressIn(reader), decodeState(value));
      case "mail":
        return this.#mail(addressIn(reader), reader.number(), decodeMessage(value));
      case "timer":
        return this.#timer(reader.number(), reader.number(), decodeTimer(value));
      case "token":
        return this.tokensOfTokens.add(tokenThing(key, value));
      case "outbox":
        return this.#outbox(reader.text(), reader.number(), decodeOutbox(value).length);
      case "position":
        return this.#position(reader.text(), decodePosition(value));
      case "once":
        this.onceKeys++;
        return this.#expires("once", key, decodeOnce(value).expiresAtMs);
      case "call":
        this.calls++;
        return this.#expires("call", key, decodeCall(value).expiresAtMs);
      case "expiry":
        reader.number();
        reader.text();
        return;
      case "parked":
        decodeParked(value);
        return;
      case "dead":
        return this.#dead(reader.number(), decodeDead(value));
      case "specs":
        this.specs++;
        decodeSpecs(value);
        return;
      case undefined:
        throw new RangeError("no version of statefold that is known gives it a meaning");
      default:
        return unreachable(tag);
    }
  }

  #state(key: Uint8Array, address: Address, record: StateRecord): void {
    this.states++;
    const isShown = this.statesByType.has(address.type) || this.statesByType.size < TYPES_SHOWN;
    const type = isShown ? address.type : "others";
    this.statesByType.set(type, (this.statesByType.get(type) ?? 0) + 1);
    this.#belongsHere(address, "a state");
    if (record.sweepAtMs !== 0) this.#expires("state", key, record.sweepAtMs);
  }

  #mail(
    address: Address,
    sequence: number,
    message: { target: Address; acceptedAtMs: number },
  ): void {
    this.mail++;
    this.#sequence(sequence);
    const name = addressKey(address);
    if (name !== this.#lastMail) {
      this.#lastMail = name;
      this.mailAddresses++;
      this.#belongsHere(address, "mail");
    }
    if (this.#options.parked.has(name)) {
      this.parkedMail.set(name, (this.parkedMail.get(name) ?? 0) + 1);
    }
    this.oldestMailMs = earlier(this.oldestMailMs, message.acceptedAtMs);
    if (addressKey(message.target) === name) return;
    this.#disagree(`mail of ${name} holds a message to ${addressKey(message.target)}`);
  }

  #timer(dueMs: number, sequence: number, record: TimerRecord): void {
    this.timers++;
    this.#sequence(sequence);
    this.firstTimerMs ??= dueMs;
    if (dueMs <= this.#options.nowMs) this.timersDue++;
    else this.nextTimerMs ??= dueMs;
    const { sender, token } = record;
    if (sender === undefined || token === "") return;
    const timer = keyOf("timer", dueMs, sequence).subarray(1);
    this.tokensOfTimers.add(tokenThing(keyOf("token", sender.id, token), timer));
  }

  #outbox(destination: string, first: number, effects: number): void {
    const before = this.outboxes.get(destination);
    if (before !== undefined && first < before.end) {
      this.#disagree(
        `the outbox of ${destination} gives number ${first} twice: it goes on from ${before.end}`,
      );
    }
    this.outboxes.set(destination, {
      destination,
      effects: (before?.effects ?? 0) + effects,
      first: before?.first ?? first,
      end: first + effects,
    });
  }

  #position(source: string, record: { source: string; next: number }): void {
    if (record.source !== source) this.#disagree(`the position of ${source} is ${record.source}'s`);
    this.positions.set(source, record.next);
  }

  #dead(sequence: number, record: DeadRecord): void {
    this.dead++;
    this.#sequence(sequence);
    this.deadByCode.set(record.code, (this.deadByCode.get(record.code) ?? 0) + 1);
  }

  #expires(kind: "state" | "once" | "call", key: Uint8Array, atMs: number): void {
    this.expiriesWanted.add(keyOf("expiry", atMs, kind, key));
  }

  #sequence(sequence: number): void {
    this.#greatestSequence = Math.max(this.#greatestSequence, sequence);
  }

  #belongsHere(address: Address, what: string): void {
    const { partition, partitionCount } = this.#options;
    if (address.type === OWN_TYPE) return;
    const owner = partitionOf(address.id, partitionCount);
    if (owner === partition) return;
    this.#disagree(`${what} of ${addressKey(address)} lies here and belongs to partition ${owner}`);
  }

  #disagree(what: string): void {
    const means = "Part of what the partition holds is not found, or found by the wrong one.";
    const finding: Finding = contradiction(this.#where, what, means);
    this.#options.findings.add(finding, "records in the wrong place");
  }
}

/** What a token's entry says: token, then timer. */
export function tokenThing(key: Uint8Array, timer: Uint8Array): Uint8Array {
  return Buffer.concat([key, timer]);
}

function addressIn(reader: KeyReader): Address {
  return { type: reader.text(), id: reader.text() };
}

function earlier(a: number | undefined, b: number): number {
  return a === undefined ? b : Math.min(a, b);
}
