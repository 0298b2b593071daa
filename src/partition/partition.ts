/**
 * A partition: the unit of ownership, order, durability and scale, as a deterministic state machine.
 *
 * Owns the turn: inputs are queued by {@link Partition.offer} and applied by {@link Partition.turn}, in
 * order; a turn returns what is to be done outside. Same inputs, same times, same random numbers: same
 * outputs. What each part of the state means is owned by the files beside this one.
 *
 * I1 single writer        mailbox.ts, delivery.ts
 * I2 release after commit epochs.ts
 * I3 one atom             `#beginCommit` below gathers every part's writes
 * I4 conservation         ledger.ts, compared at each commit
 * I5 order at receiver    positions.ts
 * I6 isolation            lane.ts, circuit.ts, post.ts
 * I7 consistent cut       barrier.ts
 * I9 bounds               limits.ts, capacity.ts
 * I10 liveness            `#wakeAtMs` below
 *
 * A commit that fails ends this object: its memory is ahead of its disk. Whoever drives it drops it and
 * opens another from what is durable (recovery.ts). It is never asked to retry.
 */
import { assert, unreachable } from "../base/assert.ts";
import type { Random } from "../base/backoff.ts";
import { firstNumberOf } from "../model/outbox-number.ts";
import { keyOf } from "../store/keys.ts";
import { encodeMeta } from "../store/records/meta.ts";
import { Barrier } from "./barrier.ts";
import { Calls } from "./calls.ts";
import { Capacity } from "./capacity.ts";
import { ChangedKeys } from "./changed-keys.ts";
import { DeadLetters } from "./dead-letters.ts";
import { Delivery } from "./delivery.ts";
import { EffectsApplier } from "./effects.ts";
import { Epochs } from "./epochs.ts";
import { Expiries } from "./expiries.ts";
import { Identity } from "./identity.ts";
import { Intake } from "./intake.ts";
import { Ledger } from "./ledger.ts";
import type { PartitionLimits } from "./limits.ts";
import { Mailboxes } from "./mailboxes.ts";
import { Operator } from "./operator.ts";
import { Outboxes } from "./outboxes.ts";
import { Parking } from "./parking.ts";
import type { Commit, Cut, Directory, Input, Release, Turn } from "./ports.ts";
import { Positions } from "./positions.ts";
import { Post } from "./post.ts";
import { Reads } from "./reads.ts";
import type { Recovered } from "./recovered.ts";
import { Specs } from "./specs.ts";
import { States } from "./states.ts";
import { Timers } from "./timers.ts";

/** Taken whatever the epoch holds: what was asked for, and what peers and egresses say they have. */
const BRINGS_NO_WORK: ReadonlySet<Input["kind"]> = new Set([
  ...(["committed", "read", "acknowledged", "resume", "barrier", "snapshotComplete"] as const),
]);

export interface PartitionOptions {
  readonly formatVersion: number;
  readonly application: string;
  readonly partition: number;
  readonly partitionCount: number;
  readonly directory: Directory;
  readonly limits: PartitionLimits;
  /** Call ids are made of it: in production nobody may foretell it. */
  readonly random: Random;
  /** Snapshots are taken: cuts say what has changed. Default: it is unknown. */
  readonly snapshots?: boolean | undefined;
  readonly recovered: Recovered;
}

export class Partition {
  readonly ledger: Ledger;
  readonly epochs: Epochs;
  readonly mailboxes: Mailboxes;
  readonly timers: Timers;
  readonly outboxes: Outboxes;
  readonly parking: Parking;
  readonly positions: Positions;
  readonly states: States;
  readonly calls: Calls;
  readonly delivery: Delivery;
  readonly barrier: Barrier;
  /** Undefined: no snapshots are taken. */
  readonly changedKeys: ChangedKeys | undefined;
  readonly #options: PartitionOptions;
  readonly #identity: Identity;
  readonly #reads: Reads;
  readonly #expiries: Expiries;
  readonly #effects: EffectsApplier;
  readonly #intake: Intake;
  readonly #operator: Operator;
  readonly #capacity: Capacity;
  #inputs: Input[] = [];
  /** Taken in this turn. */
  #cut: Cut | undefined;
  /** The session is durable. Until then nothing but its commit happens. */
  #isOpen = false;

  constructor(options: PartitionOptions) {
    const { directory, limits, random, recovered } = options;
    const { meta } = recovered;
    this.#options = options;
    this.ledger = new Ledger(meta);
    this.epochs = new Epochs(meta.epoch, limits.epochBytes);
    const { epochs, ledger } = this;
    this.barrier = new Barrier(epochs, meta.barrier);
    this.changedKeys = options.snapshots === true ? new ChangedKeys(limits) : undefined;
    const { barrier } = this;
    this.#identity = new Identity(
      options.partition,
      options.partitionCount,
      meta.session + 1,
      meta.nextSequence,
    );
    const identity = this.#identity;
    const reads = new Reads(epochs);
    this.#reads = reads;
    this.#expiries = new Expiries(epochs, reads);
    const expiries = this.#expiries;
    this.mailboxes = new Mailboxes(epochs, reads, ledger, limits, meta.nextSequence);
    this.timers = new Timers(epochs, reads, ledger, limits, {
      waits: (target) => post.endsHere(target),
      places: (type) => directory.function(type)?.concurrency ?? 0,
      isInLine: (key) => this.mailboxes.get(key)?.isInLine === true,
      isServed: (key) => this.mailboxes.get(key)?.isServed === true,
    });
    const firstNumber = firstNumberOf(meta.incarnation);
    this.outboxes = new Outboxes(
      {
        ...{ epochs, reads, ledger, barrier },
        isHeld: (egress) => directory.egress(egress)?.release === "snapshot",
      },
      limits.outboxBytesInMemory,
      firstNumber,
    );
    this.parking = new Parking(epochs, this.mailboxes);
    const inCapacity = { limits, ledger, mailboxes: this.mailboxes, parking: this.parking };
    this.#capacity = new Capacity({ ...inCapacity, barrier });
    this.positions = new Positions(epochs);
    this.states = new States(epochs, reads, expiries, limits.stateCacheBytes);
    const inCalls = { epochs, reads, expiries, identity, mailboxes: this.mailboxes };
    this.calls = new Calls(inCalls, limits.retentionMs, random);
    const specs = new Specs(epochs, limits.statesPerType);
    const deadLetters = new DeadLetters(epochs, reads, ledger, identity);
    const { mailboxes, outboxes, parking, states, calls, timers, positions } = this;
    const post = new Post({
      ...{ identity, ledger, directory, mailboxes, outboxes, deadLetters, calls },
      parkedMessages: limits.parkedMessages,
      onMail: (mailbox) => this.delivery.onMail(mailbox),
    });
    const { stateBytes, effectsBytes } = limits;
    this.#effects = new EffectsApplier({
      ...{ epochs, reads, ledger, identity, post, states, specs, timers, stateBytes, effectsBytes },
    });
    const effects = this.#effects;
    this.delivery = new Delivery({
      ...{ epochs, ledger, limits, directory, mailboxes, parking, states, specs, effects },
      ...{ deadLetters, calls, random },
    });
    const { delivery } = this;
    this.#intake = new Intake({
      ...{ epochs, ledger, identity, directory, positions, outboxes, calls, deadLetters },
      ...{ post, effects, barrier },
    });
    this.#operator = new Operator({
      ...{ epochs, ledger, directory, mailboxes, parking, deadLetters, delivery, post },
    });
    this.#restore(recovered, specs);
    // The session is durable before anything is handled: see identity.ts.
    epochs.touch();
    epochs.hurry();
  }

  /**
   * At a bound, sources are not taken from and requests are refused: whoever offers asks before each
   * input, since what was offered counts at once. What functions send is never refused.
   */
  get isFull(): boolean {
    return this.fullBy !== undefined;
  }

  /** The bound that is reached, by its name in limits.ts; undefined while there is room. */
  get fullBy(): keyof PartitionLimits | undefined {
    return this.#capacity.fullBy;
  }

  /** The same for a request or a record that is for functions of this type. */
  hasRoomFor(type: string): boolean {
    return this.#capacity.hasRoomFor(type);
  }

  /** Counts restores and losses that were accepted: its numbers and ids are those of this one. */
  get incarnation(): number {
    return this.#options.recovered.meta.incarnation;
  }

  /** Accepted messages that are neither done, nor dead, nor waiting for a person or their time. */
  get unfinished(): number {
    return this.#capacity.unfinished;
  }

  /** Queues an input for the next turn. */
  offer(input: Input): void {
    this.#inputs.push(input);
    this.#capacity.offered.add(input);
  }

  turn(nowMs: number): Turn {
    this.epochs.nowMs = nowMs;
    this.#cut = undefined;
    const released: Release[] = [];
    if (!this.#isOpen && !this.#open(released)) {
      const commit = this.#beginCommit(nowMs);
      const nothing = { read: undefined, cut: undefined, wakeAtMs: undefined };
      return { invocations: [], commit, releases: [], ...nothing };
    }
    const inputs = this.#inputs;
    this.#inputs = [];
    this.#capacity.offered.clear();
    for (const input of inputs) this.#take(input, released);
    this.timers.fire(nowMs, (timer) => {
      this.#effects.fired(timer.sender, timer.token, timer.message);
    });
    this.timers.look(nowMs);
    this.#expiries.sweep(nowMs, (kind, key, atMs, done) => {
      if (kind === "state") this.states.sweep(key, atMs, done);
      else this.calls.expire(kind, key, done);
    });
    this.delivery.wake(nowMs);
    this.delivery.dispatch(nowMs);
    released.push(...this.outboxes.take());
    released.push(...this.epochs.settle());
    const commit = this.#beginCommit(nowMs);
    return {
      invocations: this.delivery.takeStarted(),
      read: this.#reads.next(),
      commit,
      cut: this.#cut,
      releases: released,
      wakeAtMs: this.#wakeAtMs(nowMs),
    };
  }

  #open(released: Release[]): boolean {
    const first = this.#inputs.findIndex((input) => input.kind === "committed");
    if (first === -1) return false;
    // In front of what was offered meanwhile.
    this.#inputs.unshift(...this.#inputs.splice(first, 1));
    released.push(...this.#intake.greet());
    this.mailboxes.survey((mailbox) => this.delivery.onMail(mailbox));
    this.#isOpen = true;
    return true;
  }

  #take(input: Input, released: Release[]): void {
    if (this.barrier.holds(input)) return;
    // What adds work waits, in order, for an epoch that has room.
    if (!this.epochs.isHeavy || BRINGS_NO_WORK.has(input.kind)) this.#apply(input, released);
    else this.offer(input);
  }

  #apply(input: Input, released: Release[]): void {
    switch (input.kind) {
      case "outcome":
        return this.delivery.outcome(input.ticket, input.outcome);
      case "read":
        return this.#reads.complete(input);
      case "committed":
        return this.#committed(input.epoch, released);
      case "operator":
        return this.#operator.decide(input.request, input.verb);
      case "barrier":
        return this.barrier.want(input.barrier);
      case "snapshotComplete":
        this.outboxes.complete(input.barrier);
        return this.changedKeys?.complete(input.barrier);
      case "send":
      case "call":
      case "fetch":
      case "hangUp":
      case "source":
      case "channel":
      case "acknowledged":
      case "resume":
        return this.#intake.take(input);
      default:
        return unreachable(input);
    }
  }

  /** I3: closes the epoch, with every part's writes in it. */
  #beginCommit(nowMs: number): Commit | undefined {
    const { epochs } = this;
    const since = epochs.dirtySinceMs;
    if (since === undefined || epochs.isCommitting) return undefined;
    const isDue = epochs.isUrgent || epochs.isHeavy;
    if (!isDue && Math.abs(nowMs - since) < this.#options.limits.commitLingerMs) {
      return undefined;
    }
    this.mailboxes.write();
    this.timers.write();
    this.outboxes.write();
    this.positions.write();
    this.states.write();
    assert(this.ledger.drift === 0, `${this.ledger.drift} messages are unaccounted for (I4)`);
    epochs.write(keyOf("meta"), encodeMeta(this.#meta()));
    const commit = epochs.begin();
    this.changedKeys?.add(commit.writes);
    return commit;
  }

  #committed(epoch: number, released: Release[]): void {
    released.push(...this.epochs.complete(epoch));
    this.mailboxes.spill();
    this.timers.settle();
    this.outboxes.committed();
    released.push(...this.#intake.committed(this.positions.committed()));
    this.delivery.committed();
    this.#cutAt(epoch, released);
  }

  /** I7: what is durable now, and nothing that comes from now on. */
  #cutAt(epoch: number, released: Release[]): void {
    const held = this.barrier.committed();
    if (held === undefined) return;
    const { number: barrier } = this.barrier;
    this.outboxes.cut(barrier);
    this.#cut = { barrier, epoch, changes: this.changedKeys?.cut(barrier) };
    for (const input of held) this.#take(input, released);
  }

  /** I10: whatever waits for a time is behind one of these. */
  #wakeAtMs(nowMs: number): number | undefined {
    let wake: number | undefined;
    const consider = (atMs: number | undefined) => {
      if (atMs !== undefined && (wake === undefined || atMs < wake)) wake = atMs;
    };
    if (!this.epochs.isHeavy) consider(this.timers.wakeAtMs(nowMs));
    consider(this.delivery.wakeAtMs());
    consider(this.#expiries.wakeAtMs);
    if (this.#inputs.length > 0 && !this.epochs.isHeavy) consider(nowMs);
    const since = this.epochs.dirtySinceMs;
    if (since !== undefined && !this.epochs.isCommitting) {
      consider(since + this.#options.limits.commitLingerMs);
    }
    return wake;
  }

  #meta() {
    const { formatVersion, application, partition, partitionCount, recovered } = this.#options;
    return {
      ...{ formatVersion, application, partition, partitionCount },
      incarnation: recovered.meta.incarnation,
      session: this.#identity.session,
      epoch: this.epochs.current,
      nextSequence: this.#identity.nextSequence,
      ...this.ledger.written,
      barrier: this.barrier.begin(),
    };
  }

  #restore(recovered: Recovered, specs: Specs): void {
    for (const { type, specs: known } of recovered.specs) specs.restore(type, known);
    for (const { source, next } of recovered.positions) this.positions.restore(source, next);
    for (const outbox of recovered.outboxes) this.outboxes.restore(outbox);
    for (const record of recovered.parked) {
      const { directory } = this.#options;
      const isBack =
        record.code === "TARGET_UNKNOWN" && directory.function(record.address.type) !== undefined;
      if (isBack) this.parking.drop(record.address);
      else this.parking.restore(record);
    }
  }
}
