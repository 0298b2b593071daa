/**
 * Another node, started from the cuts of a complete snapshot while nothing fails: everything that the
 * snapshot holds as pending, and every record that its sources had not taken, is handled exactly once, by
 * addresses that go on counting where the snapshot left them; and nothing else is.
 */

import assert from "node:assert/strict";
import { unreachable } from "../../src/base/assert.ts";
import { addressOfKey } from "../../src/model/address.ts";
import { CALL_TYPE } from "../../src/model/owner.ts";
import { partitionOf } from "../../src/model/partitioner.ts";
import { decodeStateEntry } from "../../src/model/persisted-value.ts";
import { deadRange } from "../../src/partition/dead-letters.ts";
import type { Release } from "../../src/partition/ports.ts";
import { stateKey } from "../../src/partition/states.ts";
import { decodeDead } from "../../src/store/records/dead.ts";
import type { EgressEffect } from "../../src/store/records/outbox.ts";
import { decodeState } from "../../src/store/records/state.ts";
import { createRng } from "../support/rng.ts";
import { NodeClock } from "./clock.ts";
import type { Snapshot } from "./coordinator.ts";
import { Desk } from "./desk.ts";
import type { SimDisk } from "./disk.ts";
import { Faults } from "./faults.ts";
import {
  EGRESS,
  envelopeOf,
  SIDE_EGRESS,
  type SideRecord,
  SimFunctions,
  type Trace,
} from "./functions.ts";
import { Host } from "./host.ts";
import { SimModule } from "./module.ts";
import { deadOf, Operator } from "./operator.ts";
import { Paths } from "./paths.ts";
import type { Step } from "./program.ts";
import { Publishers } from "./publisher.ts";
import { Receiver } from "./receiver.ts";
import { Schedule } from "./schedule.ts";
import type { Source } from "./source.ts";
import type { Stage } from "./stage.ts";
import { NO_FAULTS, type Swarm } from "./swarm.ts";
import { TimerBook } from "./timer-book.ts";
import { Wire } from "./wire.ts";

/** Everything must have drained so long after, by virtual time. */
const DRAINED_AFTER_MS = 60 * 60 * 1000;
const MAX_STEPS = 100_000;

/** What an egress took of a partition, under its number. */
export interface Taken {
  readonly partition: number;
  readonly number: number;
  readonly trace: Trace;
}

export interface Before {
  readonly seed: number;
  readonly swarm: Swarm;
  readonly sources: readonly Source[];
  /** All of them, also of what came after the snapshot. */
  readonly taken: readonly Taken[];
  /** Steps that people have sent again: they may pass others. */
  readonly retried: ReadonlySet<string>;
}

export class Restored implements Stage {
  readonly schedule = new Schedule();
  readonly clock: NodeClock;
  readonly swarm: Swarm;
  readonly hosts: readonly Host[];
  readonly faults: Faults;
  readonly functions: SimFunctions;
  readonly isOver = false;
  readonly isDraining = true;
  readonly isLossy = false;
  readonly #before: Before;
  readonly #snapshot: Snapshot;
  readonly #traces: Trace[] = [];
  readonly #sides: string[] = [];
  readonly #desk = new Desk();
  readonly #operator: Operator;
  readonly #publishers: Publishers;
  readonly #wire: Wire;
  #loading: Host[] = [];

  constructor(before: Before, snapshot: Snapshot) {
    this.#before = before;
    this.#snapshot = snapshot;
    const rng = createRng(before.seed + 3);
    const people = { purging: 0, correcting: 0, paceMs: 400 };
    const swarm: Swarm = { ...before.swarm, faults: NO_FAULTS, people, barriers: undefined };
    this.swarm = swarm;
    this.schedule.nowMs = snapshot.atMs;
    this.clock = new NodeClock(this.schedule, () => {});
    const paths = new Paths();
    this.faults = new Faults(rng.fork(), swarm.faults, paths);
    const { stateBytes, statesPerType } = swarm.limits;
    const { grows } = swarm.features;
    this.functions = new SimFunctions({
      ...{ stateBytes, statesPerType, grows, paths, belongs: () => true },
    });
    this.functions.cured = true;
    const module = new SimModule(swarm);
    const timers = new TimerBook(this.clock, this.schedule, paths);
    const { functions, schedule, clock, faults } = this;
    this.hosts = snapshot.views.map((view, index) => {
      const disk = view.copy();
      const host = new Host({
        ...{ index, swarm, functions, schedule, clock, faults, timers, disk, rng: rng.fork() },
        directory: () => module.directory,
        onRelease: (from, release) => this.#release(from, release),
        onLoad: (each) => this.#loading.push(each),
        onTurn: () => {},
        onFailure: () => assert.fail("nothing fails"),
        onCut: () => assert.fail("nobody announced anything"),
        frames: undefined,
      });
      host.shadow.believe(disk);
      return host;
    });
    const first = snapshot.held.egress.map((each, i): [number, number] => [i, each.first - 1]);
    const receivers = new Map([
      [EGRESS, new Receiver(paths, (record) => this.#take(record), new Map(first))],
      [SIDE_EGRESS, new Receiver(paths, (record) => this.#take(record), undefined)],
    ]);
    const side = receivers.get(SIDE_EGRESS);
    if (side !== undefined) side.isBelieving = true; // from wherever it was
    this.#publishers = new Publishers(this, rng.fork().random, receivers);
    this.#wire = new Wire(this, rng.fork());
    this.#operator = new Operator(this, rng.fork(), this.#desk);
  }

  ownerOf(id: string): Host {
    const host = this.hosts[partitionOf(id, this.hosts.length)];
    assert(host !== undefined);
    return host;
  }

  async run(): Promise<void> {
    for (const host of this.hosts) host.open();
    for (const source of this.#before.sources) this.#pump(source);
    const untilMs = this.schedule.nowMs + DRAINED_AFTER_MS;
    while (this.#operator.clear() || !this.#isQuiet) {
      const before = this.schedule.nowMs;
      while (this.schedule.nowMs < before + 5_000 && !this.#isQuiet) {
        if (!(await this.#step(untilMs))) break;
      }
      const isTimely = this.schedule.nowMs < untilMs - 10_000 && this.schedule.steps < MAX_STEPS;
      assert(isTimely, `I7: what was restored does not drain`);
    }
    for (const host of this.hosts) host.auditQuiet();
    this.#close();
  }

  async #step(untilMs: number): Promise<boolean> {
    if (!this.schedule.step(untilMs)) return false;
    for (const host of this.#loading.splice(0)) await host.load();
    return true;
  }

  get #isQuiet(): boolean {
    const { sources } = this.#before;
    return (
      this.#operator.isSettled &&
      sources.every((source) => this.#left(source).length === 0) &&
      this.hosts.every(({ partition }) => {
        if (partition === undefined) return false;
        const { ledger, epochs } = partition;
        const isClean = !epochs.isCommitting && epochs.dirtySinceMs === undefined;
        return isClean && ledger.mail + ledger.timers + ledger.outbox === 0;
      })
    );
  }

  /** Each source goes on where the snapshot says, a record at a time. */
  #pump(source: Source): void {
    this.schedule.after(20, () => {
      const left = this.#left(source);
      const { partition } = this.#hostOf(source);
      const [next] = left;
      if (next !== undefined && partition !== undefined && !partition.isFull) {
        const first = partition.positions.next(source.name) ?? 0;
        const run = { source: source.name, first, next: next.next, records: [next.record] };
        this.#hostOf(source).offer({ kind: "source", ...run });
      }
      if (left.length > 0) this.#pump(source);
    });
  }

  #left(source: Source): Source["records"] {
    const taken = this.#hostOf(source).partition?.positions.durable(source.name) ?? 0;
    return source.records.filter(({ next }) => next > taken);
  }

  #hostOf({ owner }: Source): Host {
    const host = this.hosts[owner.index];
    assert(host !== undefined);
    return host;
  }

  #release(from: Host, release: Release): void {
    switch (release.kind) {
      case "publish":
        return this.#publishers.publish(from, release);
      case "channel":
      case "acknowledge":
      case "resume":
        return this.#wire.carry(from, release);
      case "accepted":
      case "replied":
      case "pending":
      case "unknownCall":
      case "refused":
      case "operated":
        return this.#desk.answer(from, release);
      default:
        return unreachable(release);
    }
  }

  #take({ value }: EgressEffect): undefined {
    const record: Trace | SideRecord = JSON.parse(Buffer.from(value.value).toString());
    if ("step" in record) this.#traces.push(record);
    else this.#sides.push(record.name);
    return undefined;
  }

  /** Handled before the snapshot, and told to an egress that had acknowledged it: never again. */
  #history(): Trace[] {
    const { egress } = this.#snapshot.held;
    const told = this.#before.taken.filter(({ partition, number }) => {
      return number < (egress[partition]?.first ?? 0);
    });
    return told.sort((a, b) => a.number - b.number).map(({ trace }) => trace);
  }

  #close(): void {
    const counts = new Map<string, number>();
    const order = new Map<string, number>();
    const handled = new Set<string>();
    const history = this.#history();
    for (const [i, trace] of [...history, ...this.#traces].entries()) {
      const { at, count, from, nth, step } = trace;
      const { label } = step;
      const when = i < history.length ? "before the snapshot" : "after it was restored";
      assert(!handled.has(label), `I7: ${label} was handled again ${when}`);
      handled.add(label);
      assert.equal(count, (counts.get(at) ?? 0) + 1, `I7: the count of ${at}, ${when}`);
      counts.set(at, count);
      if (from === "" || this.#mayPass(label)) continue;
      const pair = `${from} -> ${at}`;
      assert(nth > (order.get(pair) ?? 0), `I1: ${pair} out of order, ${when}`);
      order.set(pair, nth);
    }
    for (const [at, count] of counts) assert.equal(this.#countOf(at), count, `the count of ${at}`);
    assert.equal(new Set(this.#sides).size, this.#sides.length, "a record was published twice");
    this.#closeSteps(handled, new Set(history.map(({ step }) => step.label)));
  }

  #mayPass(label: string): boolean {
    return this.#before.retried.has(label) || this.#operator.retried.has(label);
  }

  /** What must come of the snapshot, and of what its sources had not taken. */
  #expected(): Expected {
    const expected = new Expected();
    const { inFlight, mail, timers, dead, positions } = this.#snapshot.held;
    const stepOf = (message: (typeof mail)[number]) => envelopeOf(message).step;
    for (const message of [...inFlight, ...mail]) {
      if (message.target.type !== CALL_TYPE) expected.certain(stepOf(message));
    }
    for (const { message, hasToken } of timers) {
      if (hasToken) expected.possible(stepOf(message));
      else expected.certain(stepOf(message));
    }
    for (const message of dead) if (message.value.hasValue) expected.possible(stepOf(message));
    for (const { name, owner, records } of this.#before.sources) {
      const from = positions[owner.index]?.get(name) ?? 0;
      for (const { record } of records) {
        if (record.position < from) continue;
        for (const message of record.messages) expected.certain(envelopeOf(message).step);
      }
    }
    return expected;
  }

  #closeSteps(handled: ReadonlySet<string>, before: ReadonlySet<string>): void {
    const expected = this.#expected();
    const buried = new Set(this.hosts.flatMap(({ disk }) => deadPoison(disk)));
    for (const label of expected.surely) {
      assert(!before.has(label), `I7: ${label} was done before the snapshot, and is in it`);
      assert(handled.has(label) || buried.has(label), `I7: ${label} is lost with the snapshot`);
    }
    for (const { step } of this.#traces) {
      // What its egress had not acknowledged is told again, under the same number.
      const isKnown = expected.surely.has(step.label) || expected.perhaps.has(step.label);
      const isToldAgain = this.#before.taken.some(({ trace, partition, number }) => {
        const { first = 0, next = 0 } = this.#snapshot.held.egress[partition] ?? {};
        return trace.step.label === step.label && number >= first && number < next;
      });
      assert(isKnown || isToldAgain, `I7: ${step.label} is not in the snapshot, and was handled`);
    }
  }

  #countOf(at: string): number {
    const address = addressOfKey(at);
    const [bytes] = this.ownerOf(address.id).disk.read([stateKey(address)]);
    const book = bytes === undefined ? undefined : decodeState(bytes).entries.get("book");
    if (book === undefined) return 0;
    return JSON.parse(Buffer.from(decodeStateEntry(book).value.value).toString()).count;
  }
}

/** The steps that come of what a snapshot holds. */
class Expected {
  readonly surely = new Set<string>();
  /** Cancelled, perhaps, or a dead letter that somebody sends again. */
  readonly perhaps = new Set<string>();

  certain(step: Step): void {
    this.surely.add(step.label);
    for (const action of step.actions) {
      if (action.do === "send") this.certain(action.step);
      else if (action.do !== "sendAfter") continue;
      else if (action.token === "") this.certain(action.step);
      else this.possible(action.step);
    }
  }

  possible(step: Step): void {
    this.perhaps.add(step.label);
    for (const action of step.actions) {
      if (action.do === "send" || action.do === "sendAfter") this.possible(action.step);
    }
  }
}

/** Poison that a person has given up, or that was when the snapshot was taken. */
function deadPoison(disk: SimDisk): string[] {
  return disk.list({ ...deadRange(), limit: Infinity }).flatMap(({ value }) => {
    const dead = deadOf(decodeDead(value));
    return dead.kind === "step" && dead.isPoison ? [dead.name] : [];
  });
}
