/**
 * Drives one partition in simulated time: executes what its turns return, with delays, doubles and
 * losses, and takes it down. The counterpart of src/partition/driver.ts.
 */
import assert from "node:assert/strict";
import type { Outcome } from "../../src/model/invocation.ts";
import { keyText } from "../../src/partition/epochs.ts";
import type { ExpiryKind } from "../../src/partition/expiries.ts";
import type { PartitionLimits } from "../../src/partition/limits.ts";
import { readOutboxEntry } from "../../src/partition/outbox.ts";
import { egressDestination, partitionDestination } from "../../src/partition/outboxes.ts";
import type { Partition } from "../../src/partition/partition.ts";
import type {
  Commit,
  Directory,
  Input,
  ReadRequest,
  Release,
  StartedInvocation,
} from "../../src/partition/ports.ts";
import { peerSource } from "../../src/partition/positions.ts";
import { openPartition } from "../../src/partition/recovery.ts";
import type { Entry } from "../../src/store/contract.ts";
import { endOfPrefix, keyOf, type Tag } from "../../src/store/keys.ts";
import {
  decodeCall,
  decodeOnce,
  decodeOutbox,
  decodePosition,
  decodeState,
} from "../../src/store/records.ts";
import type { Rng } from "../support/rng.ts";
import { SimDisk } from "./disk.ts";
import type { Faults } from "./faults.ts";
import type { SimFunctions } from "./functions.ts";
import type { Schedule } from "./schedule.ts";

export interface HostOptions {
  readonly index: number;
  readonly count: number;
  readonly directory: Directory;
  readonly limits: PartitionLimits;
  readonly functions: SimFunctions;
  readonly schedule: Schedule;
  readonly rng: Rng;
  readonly faults: Faults;
  /** Everything but what the host does itself. */
  readonly onRelease: (from: Host, release: Release) => void;
  /** The disk failed: the partition must be opened again. */
  readonly onFailure: (host: Host) => void;
}

type Life =
  | { readonly kind: "down" }
  | { readonly kind: "up"; readonly partition: Partition; readonly inFlight: Set<string> };

export class Host {
  readonly disk = new SimDisk();
  readonly index: number;
  life: Life = { kind: "down" };
  /** Counts lives: what was begun in an earlier one does not reach a later one. */
  generation = 0;
  readonly #options: HostOptions;
  #turnDue = false;
  #running: Commit | undefined;
  #publishAtMs = 0;

  constructor(options: HostOptions) {
    this.#options = options;
    this.index = options.index;
  }

  async open(): Promise<void> {
    assert.equal(this.life.kind, "down");
    const { index, count, directory, limits, rng } = this.#options;
    this.generation++;
    const partition = await openPartition(this.disk, {
      formatVersion: 1,
      application: "sim",
      partition: index,
      partitionCount: count,
      ...{ directory, limits, random: rng.random },
    });
    this.life = { kind: "up", partition, inFlight: new Set() };
    this.#turnDue = false;
    this.#turnSoon();
  }

  /** kill -9: memory is gone; a running commit is on the disk as a whole or not at all. */
  crash(): void {
    if (this.#running !== undefined && this.#options.rng.chance(0.5)) {
      this.disk.apply(this.#running.writes, this.#running.epoch);
    }
    this.#running = undefined;
    this.#publishAtMs = 0;
    this.life = { kind: "down" };
    this.generation++;
    this.#publishAtMs = 0;
    this.#options.functions.crashed();
  }

  get partition(): Partition | undefined {
    return this.life.kind === "up" ? this.life.partition : undefined;
  }

  /** False: nobody is there to take it. */
  offer(input: Input): boolean {
    if (this.life.kind === "down") return false;
    this.life.partition.offer(input);
    this.#turnSoon();
    return true;
  }

  /** One publisher for each partition: what it sends goes out in order, and dies with the partition. */
  publish(send: () => void): void {
    const { schedule, rng, faults } = this.#options;
    const { generation } = this;
    this.#publishAtMs =
      Math.max(this.#publishAtMs, schedule.nowMs) + rng.random() * faults.publishMs;
    schedule.after(this.#publishAtMs - schedule.nowMs, () => {
      if (generation === this.generation) send();
    });
  }

  #later(maxMs: number, run: () => void): void {
    const { generation } = this;
    this.#options.schedule.after(this.#options.rng.random() * maxMs, () => {
      if (generation === this.generation) run();
    });
  }

  #turnSoon(): void {
    if (this.#turnDue) return;
    this.#turnDue = true;
    this.#later(0.2, () => {
      this.#turnDue = false;
      this.#turn();
    });
  }

  #turn(): void {
    if (this.life.kind === "down") return;
    const { partition } = this.life;
    const { schedule, onRelease } = this.#options;
    const nowMs = Math.floor(schedule.nowMs);
    const turn = partition.turn(nowMs);
    assert.equal(partition.ledger.drift, 0, "I4: messages are unaccounted for");
    for (const release of turn.releases) {
      this.#checkDurable(release);
      onRelease(this, release);
    }
    if (turn.read !== undefined) this.#read(turn.read);
    if (turn.commit !== undefined) this.#commit(turn.commit);
    for (const started of turn.invocations) this.#invoke(started);
    if (turn.wakeAtMs === undefined) return;
    const { generation } = this;
    schedule.after(turn.wakeAtMs - schedule.nowMs, () => {
      if (generation === this.generation) this.#turnSoon();
    });
  }

  /** I2, where the disk can tell: what leaves is in its outbox, what was taken in its positions. */
  #checkDurable(release: Release): void {
    if (release.kind === "acknowledge" || release.kind === "resume") {
      const [bytes] = this.disk.read([keyOf("position", peerSource(release.to))]);
      const next = bytes === undefined ? 1 : decodePosition(bytes).next;
      const told = release.kind === "resume" ? release.next : release.upTo + 1;
      assert(told <= next, "I2: a peer is told of messages that are not on the disk");
    }
    if (release.kind !== "publish" && release.kind !== "channel") return;
    const destination =
      release.kind === "publish"
        ? egressDestination(release.egress)
        : partitionDestination(release.to);
    const key = keyOf("outbox", destination, release.first);
    assert(this.disk.read([key])[0] !== undefined, "I2: released before it was durable");
  }

  #read(request: ReadRequest): void {
    const read = (): Input => ({
      kind: "read",
      values: this.disk.read(request.keys),
      scans: request.ranges.map((range) => this.disk.list(range)),
    });
    // The store may have looked at any moment before it answers.
    const early = this.#options.rng.chance(0.5) ? read() : undefined;
    this.#later(this.#options.faults.readMs, () => this.offer(early ?? read()));
  }

  #commit(commit: Commit): void {
    const { rng, faults, onFailure } = this.#options;
    assert.equal(this.#running, undefined, "I3: two commits at once");
    assert.equal(commit.epoch, this.disk.epoch + 1, "I3: epochs follow each other");
    this.#running = commit;
    this.#later(faults.commitMs, () => {
      if (rng.chance(faults.commitFails)) return onFailure(this);
      this.disk.apply(commit.writes, commit.epoch);
      this.#running = undefined;
      this.#options.faults.audit(this);
      this.offer({ kind: "committed", epoch: commit.epoch });
    });
  }

  #invoke({ ticket, invocation }: StartedInvocation): void {
    const { rng, faults, functions, schedule } = this.#options;
    assert(this.life.kind === "up");
    const { inFlight } = this.life;
    const address = `${invocation.target.type}/${invocation.target.id}`;
    assert(!inFlight.has(address), `I1: ${address} is called twice at once`);
    inFlight.add(address);
    const answer = (outcome: Outcome) =>
      this.#later(faults.networkMs, () => {
        inFlight.delete(address);
        if (outcome.kind === "reply") functions.answered(invocation, schedule.nowMs);
        this.offer({ kind: "outcome", ticket, outcome });
        if (rng.chance(faults.doubles)) {
          this.#later(20, () => this.offer({ kind: "outcome", ticket, outcome }));
        }
      });
    this.#later(faults.networkMs, () => {
      if (faults.endpointDown(schedule.nowMs) || rng.chance(faults.requestLost)) {
        return answer({ kind: "retryLater", reason: "connection refused" });
      }
      const outcome = functions.call(invocation, schedule.nowMs);
      const isLost = rng.chance(faults.answerLost);
      answer(isLost ? { kind: "retryLater", reason: "the connection was reset" } : outcome);
    });
  }

  /** I4 on the disk: each place holds what the books say. */
  audit(): void {
    const partition = this.partition;
    const [meta] = this.disk.read([keyOf("meta")]);
    if (partition === undefined || meta === undefined) return;
    const held = this.#options.faults.countsOf(meta);
    assert.equal(this.#under("mail").length, held.mail, "I4: mail on the disk");
    assert.equal(this.#under("timer").length, held.timers, "I4: timers on the disk");
    assert.equal(this.#under("dead").length, held.dead, "I4: dead letters on the disk");
    const unsent = this.#under("outbox").map((entry) => decodeOutbox(entry.value).length);
    const sum = unsent.reduce((total, effects) => total + effects, 0);
    assert.equal(sum, held.outbox, "I4: effects on the disk");
    const bytes = this.#under("outbox").reduce(
      (all, entry) => all + readOutboxEntry(entry).bytes,
      0,
    );
    assert.equal(bytes, held.outboxBytes, "I9: what the effects on the disk weigh");
    const { accepted, finished, mail, timers, outbox, dead } = held;
    assert.equal(accepted - finished - mail - timers - outbox - dead, 0, "I4: the sum");
  }

  /** At the end of a run, when all is done: nothing is left that nobody will ever look at again. */
  auditQuiet(): void {
    this.audit();
    for (const tag of ["mail", "timer", "token", "outbox", "parked"] as const) {
      assert.equal(this.#under(tag).length, 0, `${tag} is left on the disk`);
    }
    assert(this.life.kind === "up");
    const { mailboxes, delivery, timers, calls } = this.life.partition;
    const { addresses, bytesInMemory, unfinishedBytes, parkedCount } = mailboxes;
    assert.deepEqual(
      { addresses, bytesInMemory, unfinishedBytes, parkedCount, inFlight: delivery.inFlight },
      { addresses: 0, bytesInMemory: 0, unfinishedBytes: 0, parkedCount: 0, inFlight: 0 },
      "I9: memory is held, or counted, for nothing",
    );
    assert.deepEqual([timers.inMemory, calls.waiting], [0, 0], "I9: somebody waits for nothing");
    const index = new Set(this.#under("expiry").map(({ key }) => keyText(key)));
    const expires = (atMs: number, kind: ExpiryKind, key: Uint8Array) =>
      assert(index.has(keyText(keyOf("expiry", atMs, kind, key))), `a ${kind} never expires`);
    for (const { key, value } of this.#under("state")) {
      const { expiries, sweepAtMs } = decodeState(value);
      if (expiries.size === 0) continue;
      assert(sweepAtMs <= Math.min(...expiries.values()), "a state expires too late");
      expires(sweepAtMs, "state", key);
    }
    for (const { key, value } of this.#under("once")) {
      expires(decodeOnce(value).expiresAtMs, "once", key);
    }
    for (const { key, value } of this.#under("call")) {
      expires(decodeCall(value).expiresAtMs, "call", key);
    }
  }

  #under(tag: Tag): Entry[] {
    const from = keyOf(tag);
    return this.disk.list({ from, until: endOfPrefix(from), limit: Infinity });
  }
}
