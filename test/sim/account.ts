/** The account at the end of a run: what was given, what came out, and what the disks hold. */
import assert from "node:assert/strict";
import { decodeStateEntry } from "../../src/model/persisted-value.ts";
import { deadRange } from "../../src/partition/dead-letters.ts";
import { stateKey } from "../../src/partition/states.ts";
import { type DeadRecord, decodeDead, decodeState } from "../../src/store/records.ts";
import { type Envelope, envelopeOf, type SimFunctions, type Trace } from "./functions.ts";
import type { Host } from "./host.ts";
import { type Action, BURYING, type Step } from "./program.ts";
import type { Receiver } from "./receiver.ts";

/** A program from outside; not certain: nobody was told whether it was accepted. */
export interface Root {
  readonly step: Step;
  readonly isCertain: boolean;
}

/** How much later than it was answered an answer may have been applied. */
const APPLY_SLACK_MS = 100;

export class Account {
  readonly #functions: SimFunctions;
  readonly #receiver: Receiver;
  readonly #handled = new Map<string, { readonly trace: Trace; readonly index: number }>();
  #dead: DeadRecord[] = [];
  #expected = new Set<string>();
  #strays = 0;

  constructor(functions: SimFunctions, receiver: Receiver) {
    this.#functions = functions;
    this.#receiver = receiver;
  }

  close(hosts: readonly Host[], roots: readonly Root[]): void {
    this.#readTraces(hosts);
    this.#dead = hosts.flatMap((host) =>
      host.disk.list({ ...deadRange(), limit: Infinity }).map((entry) => decodeDead(entry.value)),
    );
    for (const { step, isCertain } of roots) {
      const isHandled = this.#handled.has(step.label);
      assert(isHandled || !isCertain, `${step.label} was accepted and is lost`);
      if (isHandled) this.#visit(step);
    }
    for (const label of this.#handled.keys()) {
      assert(this.#expected.has(label), `${label} was handled, and nobody sent it`);
    }
    const strays = this.#dead.filter(
      ({ code }) => code === "TARGET_UNKNOWN" || code === "EGRESS_UNKNOWN",
    );
    assert.equal(strays.length, this.#strays, "dead letters of unroutable effects");
  }

  /** Exactly once, in order: an address's counts go 1, 2, 3 …, and so do the numbers of each sender. */
  #readTraces(hosts: readonly Host[]): void {
    const counts = new Map<string, number>();
    const order = new Map<string, number>();
    this.#receiver.taken.forEach((trace, index) => {
      const { label } = trace.step;
      assert(!this.#handled.has(label), `${label} was handled twice`);
      this.#handled.set(label, { trace, index });
      const before = counts.get(trace.at) ?? 0;
      assert.equal(trace.count, before + 1, `the count of ${trace.at}`);
      counts.set(trace.at, trace.count);
      if (trace.from === "") return;
      const pair = `${trace.from} -> ${trace.at}`;
      const last = order.get(pair) ?? 0;
      assert(trace.nth > last, `I1: ${pair}: ${trace.nth} after ${last}`);
      order.set(pair, trace.nth);
    });
    for (const [at, count] of counts) assert.equal(this.#storedCount(hosts, at), count, at);
  }

  #storedCount(hosts: readonly Host[], at: string): number {
    const [namespace, name, id] = at.split("/");
    const address = { type: `${namespace}/${name}`, id: id ?? "" };
    for (const host of hosts) {
      const [bytes] = host.disk.read([stateKey(address)]);
      const book = bytes === undefined ? undefined : decodeState(bytes).entries.get("book");
      if (book === undefined) continue;
      return JSON.parse(Buffer.from(decodeStateEntry(book).value.value).toString()).count;
    }
    return 0;
  }

  #visit(step: Step): void {
    const { label } = step;
    this.#expected.add(label);
    const isHandled = this.#handled.has(label);
    if (step.actions.some((action) => action.do === "poison")) {
      if (!isHandled && step.target.type === BURYING) {
        assert.equal(this.#buried(label), 1, `${label} was given up, and is no dead letter`);
      }
    } else {
      assert(isHandled, `${label} is lost`);
    }
    if (!isHandled) return;
    for (const action of step.actions) this.#follow(step, action);
  }

  #follow(step: Step, action: Action): void {
    if (action.do === "strayMessage" || action.do === "strayRecord") this.#strays++;
    if (action.do === "send") this.#visit(action.step);
    if (action.do !== "sendAfter") return;
    const { step: delayed, token, delayMs } = action;
    if (action.isSuperseded) {
      assert(!this.#handled.has(delayed.label), `${delayed.label} fired without its token`);
      return;
    }
    if (this.#handled.has(delayed.label)) {
      const early =
        this.#seen(step.label).invokedMs + delayMs - this.#seen(delayed.label).invokedMs;
      assert(early < 1.5, `${delayed.label} fired ${early} ms early`);
    }
    if (token === "") return this.#visit(delayed);
    const cancelling = step.actions.find((other) => "step" in other && cancels(other.step, token));
    const canceller =
      cancelling !== undefined && "step" in cancelling ? cancelling.step : undefined;
    assert(canceller !== undefined);
    const cancelled = this.#handled.get(canceller.label);
    const fired = this.#handled.get(delayed.label);
    if (fired !== undefined) {
      this.#visit(delayed);
      const dueMs = this.#seen(step.label).invokedMs + delayMs;
      const appliedMs = this.#seen(canceller.label).answeredMs + APPLY_SLACK_MS;
      const isLate = cancelled !== undefined && cancelled.index < fired.index;
      assert(!(isLate && appliedMs < dueMs), `${delayed.label} fired after it was cancelled`);
    } else {
      assert(cancelled !== undefined, `${delayed.label} never fired, and nobody cancelled it`);
    }
  }

  #buried(label: string): number {
    return this.#dead.filter(({ code, what }) => {
      if (code !== "FUNCTION_FAILED" || what.kind !== "message") return false;
      const envelope: Envelope = envelopeOf(what.message);
      return envelope.step.label === label;
    }).length;
  }

  #seen(label: string): { invokedMs: number; answeredMs: number } {
    const sighting = this.#functions.sightings.get(label);
    assert(sighting !== undefined, `${label} was handled without being called`);
    return sighting;
  }
}

const cancels = (step: Step, token: string): boolean =>
  step.actions.some((action) => action.do === "cancel" && action.token === token);
