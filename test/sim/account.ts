/** The account at the end of a run: what was given, what came out, and what the disks hold. */
import assert from "node:assert/strict";
import { addressOfKey } from "../../src/model/address.ts";
import { decodeStateEntry } from "../../src/model/persisted-value.ts";
import { deadRange } from "../../src/partition/dead-letters.ts";
import { stateKey } from "../../src/partition/states.ts";
import { decodeDead, decodeState } from "../../src/store/records.ts";
import type { Clients, Root } from "./clients.ts";
import type { SideRecord, SimFunctions, Trace } from "./functions.ts";
import type { Host } from "./host.ts";
import { deadOf, type Operator } from "./operator.ts";
import { type Action, SKIPPING, type Step } from "./program.ts";
import type { TimerBook } from "./timer-book.ts";

export interface AccountParts {
  readonly functions: SimFunctions;
  readonly timers: TimerBook;
  readonly operator: Operator;
  /** What the egress took, in order. */
  readonly traces: readonly Trace[];
  readonly sides: readonly SideRecord[];
}

export class Account {
  readonly #parts: AccountParts;
  readonly #handled = new Set<string>();
  readonly #expected = new Set<string>();
  /** Dead letters on the disks by kind and name. */
  readonly #dead = new Map<string, number>();
  readonly #taken = new Map<string, number>();
  readonly #accounted = new Set<string>();

  constructor(parts: AccountParts) {
    this.#parts = parts;
  }

  close(hosts: readonly Host[], sourced: readonly Step[], clients: Clients): void {
    this.#readTraces(hosts);
    for (const { name } of this.#parts.sides) count(this.#taken, name);
    for (const host of hosts) {
      for (const { value } of host.disk.list({ ...deadRange(), limit: Infinity })) {
        const { kind, name } = deadOf(decodeDead(value));
        count(this.#dead, `${kind} ${name}`);
      }
    }
    for (const step of sourced) this.#root({ step, isCertain: true });
    for (const root of clients.roots()) this.#root(root);
    this.#closeGroups(hosts, clients);
    for (const label of this.#handled) {
      assert(this.#expected.has(label), `${label} was handled, and nobody sent it`);
    }
    for (const name of this.#dead.keys()) {
      const isKnown = this.#accounted.has(name) || name.startsWith("stray keyless");
      assert(isKnown, `${name} is dead, and nobody sent it`);
    }
  }

  #root({ step, isCertain }: Root): void {
    const isHandled = this.#handled.has(step.label);
    assert(isHandled || !isCertain, `${step.label} was accepted and is lost`);
    if (isHandled) this.#visit(step);
  }

  /** Under one idempotency key: each message that somebody was told of is handled, and only those. */
  #closeGroups(hosts: readonly Host[], clients: Clients): void {
    for (const [group, steps] of clients.groups()) {
      const handled = steps.filter(({ label }) => this.#handled.has(label));
      for (const step of handled) this.#visit(step);
      const told = new Set(
        group.messageIds.map((id) => {
          const label = this.#parts.functions.labelOf(id);
          assert(label !== undefined, `${id} was accepted under ${group.key} and is lost`);
          return label;
        }),
      );
      assert.equal(told.size, group.messageIds.length, "two messages, one label");
      for (const label of told)
        assert(this.#handled.has(label), `${label} was accepted and is lost`);
      const surplus = handled.length - told.size;
      assert(surplus === 0 || group.isUncertain, `${group.key} was done, and nobody was told`);
      const isOnce = handled.length <= 1 || hosts[0]?.isForgetful;
      assert(isOnce, `${group.key} was done ${handled.length} times`);
    }
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
    const name = `step ${label}`;
    this.#accounted.add(name);
    const dead = this.#dead.get(name) ?? 0;
    if (this.#handled.has(label)) {
      assert.equal(dead, 0, `${label} was handled, and is a dead letter`);
      step.actions.forEach((action, n) => {
        this.#follow(action, `${label}#${n}`);
      });
      return;
    }
    const isPoison = step.actions.some((action) => action.do === "poison");
    assert(isPoison, `${label} is lost`);
    if (this.#parts.operator.purged.has(name)) return;
    const isDead = dead === 1 || (dead === 0 && step.target.type === SKIPPING);
    assert(isDead, `${label} was given up, and is ${dead} dead letters`);
  }

  #follow(action: Action, name: string): void {
    if (action.do === "send") this.#visit(action.step);
    else if (action.do === "sendAfter") this.#delayed(action.step);
    else if (action.do === "record") this.#buried(`side ${name}`, this.#taken.get(name) ?? 0);
    else if (action.do === "strayMessage" || action.do === "strayRecord") {
      this.#buried(`stray ${name}`, 0);
    }
  }

  #delayed(step: Step): void {
    const isHandled = this.#handled.has(step.label);
    const fate = this.#parts.timers.fateOf(step.label);
    assert(fate !== undefined, `${step.label} was never scheduled`);
    if (fate === "cancelled") assert(!isHandled, `${step.label} fired after it was cancelled`);
    else if (fate === "waits" || isHandled) this.#visit(step);
  }

  /** One place: taken, a dead letter, or purged. */
  #buried(name: string, taken: number): void {
    this.#accounted.add(name);
    const dead = this.#dead.get(name) ?? 0;
    const isPurged = this.#parts.operator.purged.get(name);
    const places = taken + dead + (isPurged === true ? 1 : 0);
    assert(places === 1 || (places === 0 && isPurged === false), `${name} is in ${places} places`);
  }
}

function count(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
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
