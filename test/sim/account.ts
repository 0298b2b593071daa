/** The account at the end of a run: what was given, what came out, and what the disks hold. */
import assert from "node:assert/strict";
import { addressKey, addressOfKey } from "../../src/model/address.ts";
import { decodeStateEntry } from "../../src/model/persisted-value.ts";
import { deadRange } from "../../src/partition/dead-letters.ts";
import { stateKey } from "../../src/partition/states.ts";
import { decodeDead } from "../../src/store/records/dead.ts";
import { decodeState } from "../../src/store/records/state.ts";
import type { Clients, Root } from "./clients.ts";
import { SIDE_EGRESS, type SideRecord, type SimFunctions, type Trace } from "./functions.ts";
import type { Host } from "./host.ts";
import type { KeyGroup } from "./key-group.ts";
import { deadOf, nameOf, type Operator, stepName } from "./operator.ts";
import { type Action, SKIPPING, type Step } from "./program.ts";
import { Missing } from "./purges.ts";
import type { TimerBook } from "./timer-book.ts";

/** A record that is no trace, and who took it. */
export interface Side extends SideRecord {
  readonly egress: string;
}

export interface AccountParts {
  readonly functions: SimFunctions;
  readonly timers: TimerBook;
  readonly operator: Operator;
  /** What the egress took, in order. */
  readonly traces: readonly Trace[];
  readonly sides: readonly Side[];
}

/** What was in the topics: records with a key, and the names of those without. */
export interface Sourced {
  readonly sourced: readonly Root[];
  readonly strays: readonly Stray[];
}

/** A record that nobody can get; not certain: it may have gone before it was read. */
export interface Stray {
  readonly name: string;
  readonly isCertain: boolean;
}

export class Account {
  readonly #parts: AccountParts;
  readonly #handled = new Set<string>();
  readonly #expected = new Set<string>();
  /** Dead letters on the disks by kind and name. */
  readonly #dead = new Map<string, number>();
  /** By name: the egresses that took it. */
  readonly #taken = new Map<string, readonly string[]>();
  readonly #missing: Missing;
  readonly #accounted = new Set<string>();

  constructor(parts: AccountParts) {
    this.#parts = parts;
    this.#missing = new Missing(parts.operator.purges);
  }

  close(hosts: readonly Host[], { sourced, strays }: Sourced, clients: Clients): void {
    this.#readTraces(hosts);
    for (const { name, egress } of this.#parts.sides) {
      this.#taken.set(name, [...(this.#taken.get(name) ?? []), egress]);
    }
    for (const host of hosts) {
      for (const { value } of host.disk.list({ ...deadRange(), limit: Infinity })) {
        const name = nameOf(deadOf(decodeDead(value)));
        this.#dead.set(name, (this.#dead.get(name) ?? 0) + 1);
      }
    }
    for (const root of sourced) this.#root(root);
    for (const stray of strays) if (this.#isThere(stray)) this.#strayed(stray.name);
    for (const root of clients.roots()) this.#root(root);
    this.#closeGroups(hosts, clients);
    for (const label of this.#handled) {
      assert(this.#expected.has(label), `${label} was handled, and nobody sent it`);
    }
    for (const name of this.#dead.keys()) {
      assert(this.#accounted.has(name), `${name} is dead, and nobody sent it`);
    }
    this.#missing.close();
  }

  #isThere({ name, isCertain }: Stray): boolean {
    const stray = nameOf({ kind: "stray", name });
    const isFound = this.#handled.has(name) || this.#dead.has(stray);
    return isCertain || isFound || this.#parts.operator.purged.has(stray);
  }

  #root({ step, isCertain }: Root): void {
    if (isCertain || this.#handled.has(step.label)) this.#visit(step);
    else this.#missing.mayBe(this.#placesOf(step));
  }

  /** Under one idempotency key: each message that somebody was told of is handled or purged, and only those. */
  #closeGroups(hosts: readonly Host[], clients: Clients): void {
    for (const [group, steps] of clients.groups()) {
      const handled = steps.filter(({ label }) => this.#handled.has(label));
      for (const step of handled) this.#visit(step);
      const told = this.#told(group, steps);
      const surplus = handled.filter(({ label }) => !told.has(label)).length;
      assert(surplus === 0 || group.isUncertain, `${group.key} was done, and nobody was told`);
      const isOnce = handled.length <= 1 || hosts[0]?.isForgetful;
      assert(isOnce, `${group.key} was done ${handled.length} times`);
    }
  }

  /** The labels of the messages that somebody was told of. */
  #told(group: KeyGroup, steps: readonly Step[]): ReadonlySet<string> {
    const told = new Set<string>();
    let uncalled = 0;
    for (const id of group.messageIds) {
      const label = this.#parts.functions.labelOf(id);
      if (label === undefined) uncalled++;
      else {
        assert(!told.has(label), "two messages, one label");
        told.add(label);
      }
    }
    const others = steps.filter(({ label }) => !told.has(label) && !this.#handled.has(label));
    const places = [...new Set(others.flatMap((step) => this.#placesOf(step)))];
    // Purged before any function was called with them: nobody knows which of the others they are.
    const what = `${group.key}: what was accepted`;
    for (let i = 0; i < uncalled; i++) this.#missing.add(what, places);
    for (const step of others) this.#missing.mayBe(this.#placesOf(step));
    for (const step of steps) {
      const isMissing = told.has(step.label) && !this.#handled.has(step.label);
      if (isMissing) this.#visit(step);
    }
    return told;
  }

  /** Exactly once, in order: an address's counts go 1, 2, 3 …, and so do the numbers of each sender. */
  #readTraces(hosts: readonly Host[]): void {
    const counts = new Map<string, number>();
    const order = new Map<string, number>();
    for (const trace of this.#parts.traces) {
      const { label } = trace.step;
      assert(!this.#handled.has(label), `${label} was handled twice`);
      this.#handled.add(label);
      const before = counts.get(trace.at) ?? 0;
      assert.equal(trace.count, before + 1, `the count of ${trace.at}`);
      counts.set(trace.at, trace.count);
      if (trace.from === "" || this.#parts.operator.retried.has(label)) continue;
      const pair = `${trace.from} -> ${trace.at}`;
      const last = order.get(pair) ?? 0;
      assert(trace.nth > last, `I1: ${pair}: ${trace.nth} after ${last}`);
      order.set(pair, trace.nth);
    }
    for (const [at, handled] of counts) assert.equal(storedCount(hosts, at), handled, at);
  }

  #visit(step: Step): void {
    const { label } = step;
    this.#expected.add(label);
    const name = stepName(step);
    this.#accounted.add(name);
    const dead = this.#dead.get(name) ?? 0;
    const isPurged = this.#parts.operator.purged.get(name);
    if (this.#handled.has(label)) {
      assert.equal(dead, 0, `${label} was handled, and is a dead letter`);
      assert(isPurged !== true, `${label} was handled, and was a dead letter that is purged`);
      step.actions.forEach((action, n) => {
        this.#follow(action, `${label}#${n}`);
      });
      return;
    }
    const isPoison = step.actions.some((action) => action.do === "poison");
    assert(dead === 0 || isPoison, `${label} is dead, and could be handled`);
    if (dead + (isPurged === true ? 1 : 0) > 0) {
      return assert(dead === 0 || isPurged !== true, `${label} is dead, and was purged`);
    }
    const places = this.#placesOf(step);
    const isSkipped = places.some((at) => addressOfKey(at).type === SKIPPING);
    const isElsewhere = isPoison && (isSkipped || isPurged === false);
    if (isElsewhere) this.#missing.mayBe(places);
    else this.#missing.add(label, places);
  }

  #placesOf(step: Step): readonly string[] {
    return this.#parts.operator.placesOf(stepName(step), addressKey(step.target));
  }

  #follow(action: Action, name: string): void {
    if (action.do === "send") this.#visit(action.step);
    else if (action.do === "sendAfter") this.#delayed(action.step);
    else if (action.do === "strayMessage") this.#strayed(name);
    else if (action.do === "record" || action.do === "strayRecord") this.#record(action, name);
  }

  /** Dead, unless it was sent to an address; then it is there, once. */
  #strayed(name: string): void {
    const isHandled = this.#handled.has(name);
    if (isHandled) this.#expected.add(name);
    const stray = nameOf({ kind: "stray", name });
    const places = this.#parts.operator.placesOf(stray, undefined);
    this.#buried(stray, isHandled ? 1 : 0, places);
  }

  /** Where it was meant for, or where a person sent it instead. */
  #record(action: Action, name: string): void {
    const [kind, first] =
      action.do === "record" ? (["side", SIDE_EGRESS] as const) : (["stray", undefined] as const);
    const full = nameOf({ kind, name });
    const taken = this.#taken.get(name) ?? [];
    const places = this.#parts.operator.placesOf(full, first);
    for (const egress of taken) {
      assert(places.includes(egress), `${name} was taken by ${egress}, where nobody sent it`);
    }
    this.#buried(full, taken.length, []);
  }

  #delayed(step: Step): void {
    const isHandled = this.#handled.has(step.label);
    const fate = this.#parts.timers.fateOf(step.label);
    assert(fate !== undefined, `${step.label} was never scheduled`);
    if (fate === "cancelled") assert(!isHandled, `${step.label} fired after it was cancelled`);
    else if (fate === "waits" || isHandled) this.#visit(step);
    else this.#missing.mayBe(this.#placesOf(step));
  }

  /** One place: taken, a dead letter, or purged, be it as mail of an address that it was sent to. */
  #buried(name: string, taken: number, places: readonly string[]): void {
    this.#accounted.add(name);
    const dead = this.#dead.get(name) ?? 0;
    const isPurged = this.#parts.operator.purged.get(name);
    const found = taken + dead + (isPurged === true ? 1 : 0);
    assert(found <= 1, `${name} is in ${found} places`);
    if (found === 1) return;
    if (isPurged === false) this.#missing.mayBe(places);
    else this.#missing.add(name, places);
  }
}

function storedCount(hosts: readonly Host[], at: string): number {
  for (const host of hosts) {
    const [bytes] = host.disk.read([stateKey(addressOfKey(at))]);
    const book = bytes === undefined ? undefined : decodeState(bytes).entries.get("book");
    if (book === undefined) continue;
    return JSON.parse(Buffer.from(decodeStateEntry(book).value.value).toString()).count;
  }
  return 0;
}
