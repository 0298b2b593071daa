/**
 * One partition with a bit of everything that belongs to others: states, mail, an invocation under way,
 * timers and their tokens, a call nobody has answered, an idempotency key, a parked address, dead
 * letters, records that have not left. And the address whose answers are hostile.
 */

import assert from "node:assert/strict";
import type { Address } from "../../src/model/address.ts";
import { CALL_TYPE } from "../../src/model/owner.ts";
import { partitionOf } from "../../src/model/partitioner.ts";
import type { Entry } from "../../src/store/contract.ts";
import { at, binding, EGRESS, Harness, spec, textOf, value } from "../partition/harness.ts";

export const PARTITIONS = 2;

const VICTIM = "demo/victim";
const TYPES = ["demo/x", "demo/a", "x/a", "a/x", VICTIM];

/** Ids that the partition owns. */
function idOf(name: string): string {
  for (let i = 0; ; i++) if (partitionOf(`${name}${i}`, PARTITIONS) === 0) return `${name}${i}`;
}

export const EVIL = at(idOf("evil"), "hostile/f");
export const BUSY = at(idOf("busy"), VICTIM);
export const IDLE = at(idOf("idle"), VICTIM);
export const PARKED = at(idOf("parked"), VICTIM);
export const ASKED = at(idOf("asked"), VICTIM);

export class World {
  readonly it: Harness;
  /** Of the call that {@link ASKED} has been asked and nobody else knows of. */
  readonly callId: string;
  readonly #callRequest: number;
  strikes = 0;

  private constructor(it: Harness, callId: string, callRequest: number) {
    this.it = it;
    this.callId = callId;
    this.#callRequest = callRequest;
  }

  static async open(): Promise<World> {
    const one = { maxBatchMessages: 1 };
    const plain = TYPES.map((type) => [type, binding(one)] as const);
    const evil = [EVIL.type, binding({ onFailure: "deadLetter", ...one })] as const;
    const functions = Object.fromEntries([...plain, evil]);
    const it = await Harness.open({ functions, partitionCount: PARTITIONS });
    for (const address of [BUSY, IDLE]) furnish(it, address);
    it.settle(it.send(PARKED, "poison"));
    it.fail(PARKED.id);
    it.settle(it.send(PARKED, "waits behind it"));
    const call = it.call(ASKED, "question", "a key");
    it.settle(call, it.send(BUSY, "being handled"), it.send(BUSY, "next"));
    const asked = it.started.find(({ invocation }) => invocation.target.id === ASKED.id);
    const callId = asked?.invocation.messages[0]?.caller?.id;
    assert(callId !== undefined);
    return new World(it, callId, call.request);
  }

  /** Everything in the store, by key. */
  entries(): Map<string, Entry> {
    const whole = { from: new Uint8Array(0), until: Buffer.of(0xff), limit: Infinity };
    const all = this.it.disk.list(whole);
    return new Map(all.map((entry) => [Buffer.from(entry.key).toString("latin1"), entry]));
  }

  /** Functions other than the victims are done with whatever they were sent. */
  drain(): void {
    const { it } = this;
    for (let rounds = 0; rounds < 1_000; rounds++) {
      const next = it.started.find(({ invocation }) => !isVictim(invocation.target));
      if (next === undefined) return;
      it.started.splice(it.started.indexOf(next), 1);
      const nothing = { messages: [], delayed: [], egress: [], mutations: [] };
      const outcome = { kind: "reply", effects: nothing } as const;
      it.settle({ kind: "outcome", ticket: next.ticket, outcome });
    }
    throw new Error("the others are never done");
  }

  /** What was under way goes on as if nothing had happened. */
  finish(): void {
    const { it } = this;
    const target = { type: CALL_TYPE, id: this.callId };
    it.released = [];
    it.reply({ messages: [{ target, value: value("the true reply") }] }, ASKED.id);
    it.settle();
    const replies = it.take("replied").filter(({ request }) => request === this.#callRequest);
    const texts = replies.map((reply) => textOf(reply.value));
    assert.deepEqual(texts, ["the true reply"], "the caller got another reply, or none");
    it.reply({}, BUSY.id);
    it.settle();
    const batch = it.started.find(({ invocation }) => invocation.target.id === BUSY.id);
    const [next] = batch?.invocation.messages ?? [];
    assert(next !== undefined && textOf(next.value) === "next", "mail changed its order");
    assert.equal(batch?.invocation.state.length, 2);
  }
}

export function isVictim({ type }: Address): boolean {
  return type === VICTIM;
}

function furnish(it: Harness, address: Address): void {
  it.settle(it.send(address, "set up"));
  const first = it.started[0]?.invocation.state.length === 0;
  if (first) it.answer({ kind: "incomplete", missing: [spec("x"), spec("secret")] }, address.id);
  it.settle();
  const tick = { target: address, value: value("tick"), delayMs: 3_600_000, token: "tick" };
  it.reply(
    {
      mutations: [{ name: "secret", value: value(`of ${address.id}`) }],
      delayed: [{ kind: "send", ...tick }],
      egress: [
        { egress: EGRESS, value: value("record") },
        { egress: "test/nowhere", value: value("dead") },
      ],
    },
    address.id,
  );
  it.settle();
}
