/**
 * What a function's answer can reach: the store of a partition before and after it, entry by entry. All that
 * may have changed is what the address owns that answered; what came into being beside that is mail,
 * timers and outbox entries that name it as their sender and stand in its answer.
 *
 * One thing is shared on purpose, as in StateFun: the tokens of all addresses of one id (effects.ts). So
 * the others have other ids.
 */

import assert from "node:assert/strict";
import { decodeResponse } from "../../src/invoke/decode-response.ts";
import { type Address, sameAddress } from "../../src/model/address.ts";
import type { Effects, Outcome } from "../../src/model/invocation.ts";
import type { Message } from "../../src/model/message.ts";
import { CALL_TYPE } from "../../src/model/owner.ts";
import type { TypedValue } from "../../src/model/typed-value.ts";
import type { Release } from "../../src/partition/ports.ts";
import { KeyReader, TAGS } from "../../src/store/keys.ts";
import { decodeDead } from "../../src/store/records/dead.ts";
import { decodeMessage } from "../../src/store/records/message.ts";
import { decodeOutbox, type OutboxEffect } from "../../src/store/records/outbox.ts";
import { decodePosition } from "../../src/store/records/position.ts";
import { decodeTimer } from "../../src/store/records/timer.ts";
import type { Rng } from "../support/rng.ts";
import type { Attack } from "./attack.ts";
import { aimedAnswer } from "./reach-answers.ts";
import { EVIL, World } from "./reach-world.ts";
import { anyFromFunction } from "./wire.ts";

/** A world serves for so many answers, and is looked at whole at the end. */
const STRIKES = 25;

/** @returns the name of the kind of entry that a key is of */
function tagOf(key: Uint8Array): string {
  const found = Object.entries(TAGS).find(([, byte]) => byte === key[0]);
  assert(found !== undefined, `an entry of kind ${key[0]}`);
  return found[0];
}

let world: World | undefined;

export const reachAttack: Attack = {
  name: "reach",
  strike: async (rng, show) => {
    if (world !== undefined && world.strikes >= STRIKES) {
      world.finish();
      world = undefined;
    }
    world ??= await World.open();
    const present = world;
    world = undefined; // a broken one is not used again
    const answer = strike(present, rng, show);
    present.strikes++;
    world = present;
    return answer;
  },
};

function strike(present: World, rng: Rng, show: (input: unknown) => void): string {
  const { it } = present;
  const isCall = rng.chance(0.4);
  const asking = isCall ? it.call(EVIL, "strike") : it.send(EVIL, "strike");
  it.settle(asking);
  const started = it.started.find(({ invocation }) => sameAddress(invocation.target, EVIL));
  assert(started !== undefined, "the hostile function is not called any more");
  const own = started.invocation.messages[0]?.caller?.id;
  const bytes = rng.chance(0.3)
    ? anyFromFunction(rng, rng.pick([0, 0.05]))
    : aimedAnswer(rng, present.callId, own);
  show(bytes);
  const outcome = decodeResponse(bytes);
  const before = present.entries();
  it.released = [];
  it.started.splice(it.started.indexOf(started), 1);
  it.settle({ kind: "outcome", ticket: started.ticket, outcome });
  const allowed = new Allowed(outcome);
  for (const [key, entry] of present.entries()) {
    const earlier = before.get(key);
    if (earlier === undefined || Buffer.compare(earlier.value, entry.value) !== 0) {
      allowed.written(entry.key, entry.value, earlier?.value);
    }
    before.delete(key);
  }
  for (const { key, value } of before.values()) allowed.removed(key, value);
  const asked = isCall && "request" in asking ? asking.request : undefined;
  for (const release of it.released) allowed.released(release, asked, own);
  present.drain();
  return outcome.kind;
}

/** What may have changed in the store by one answer. */
class Allowed {
  readonly #effects: Effects | undefined;
  readonly #isIncomplete: boolean;

  constructor(outcome: Outcome) {
    this.#effects = outcome.kind === "reply" ? outcome.effects : undefined;
    this.#isIncomplete = outcome.kind === "incomplete";
  }

  /** The answer holds such a message. */
  sent(target: Address, value: TypedValue): void {
    const effects = this.#effects;
    const later = effects?.delayed.flatMap((each) => (each.kind === "send" ? [each] : [])) ?? [];
    const all = [...(effects?.messages ?? []), ...later];
    assert(
      all.some((each) => sameAddress(each.target, target) && sameValue(each.value, value)),
      `nobody sent this to ${target.type} ${target.id}`,
    );
  }

  /** @param asked the request that the hostile function was asked by, if it was by one; `own`: the call of it */
  released(release: Release, asked: number | undefined, own: string | undefined): void {
    if (release.kind === "replied") {
      assert.equal(release.request, asked, "a forged reply");
      this.sent({ type: CALL_TYPE, id: own ?? "" }, release.value);
    } else if (release.kind === "publish") {
      for (const { sender } of release.records) assert.deepEqual(sender, EVIL);
    } else if (release.kind === "channel") {
      for (const { caller } of release.messages) assert.deepEqual(caller, EVIL);
    } else assert(!["refused", "unknownCall", "operated"].includes(release.kind), release.kind);
  }

  written(key: Uint8Array, value: Uint8Array, earlier: Uint8Array | undefined): void {
    const tag = tagOf(key);
    const reader = new KeyReader(key);
    switch (tag) {
      case "meta":
        return;
      case "state":
      case "parked":
        return this.#own({ type: reader.text(), id: reader.text() }, tag);
      case "specs":
        assert(this.#isIncomplete && reader.text() === EVIL.type, "states of another type");
        return;
      case "token":
        assert.equal(reader.text(), EVIL.id, "a token of another id");
        return;
      case "mail":
        assert.equal(earlier, undefined, "mail that was there has changed");
        return this.#fromEvil(decodeMessage(value));
      case "timer": {
        assert.equal(earlier, undefined, "a timer that was there has changed");
        const timer = decodeTimer(value);
        assert.deepEqual(timer.sender, EVIL);
        return this.#fromEvil(timer.message);
      }
      case "outbox":
        assert.equal(earlier, undefined, "an outbox entry that was there has changed");
        for (const effect of decodeOutbox(value)) this.#leaving(effect);
        return;
      case "position":
        assert.match(decodePosition(value).source, /^outbox:/, "a source's position");
        return;
      case "dead": {
        assert.equal(earlier, undefined, "a dead letter that was there has changed");
        const { address, what } = decodeDead(value);
        assert.deepEqual(address, EVIL, "a dead letter in another's name");
        if (what.kind === "message" && sameAddress(what.message.target, EVIL)) return;
        return this.#leaving(what);
      }
      case "expiry": {
        reader.number();
        assert.equal(reader.text(), "state", "an expiry of a key or a call");
        const inner = new KeyReader(reader.rest());
        return this.#own({ type: inner.text(), id: inner.text() }, "expiry");
      }
      default:
        throw new Error(`an entry ${tag} was written`);
    }
  }

  removed(key: Uint8Array, value: Uint8Array): void {
    const tag = tagOf(key);
    const reader = new KeyReader(key);
    switch (tag) {
      case "mail":
      case "state":
        return this.#own({ type: reader.text(), id: reader.text() }, tag);
      case "token":
        assert.equal(reader.text(), EVIL.id, "a token of another id");
        return;
      case "timer":
        assert.deepEqual(decodeTimer(value).sender, EVIL, "a timer of another's was cancelled");
        return;
      case "expiry": {
        reader.number();
        assert.equal(reader.text(), "state", "an expiry of a key or a call");
        return;
      }
      default:
        throw new Error(`an entry ${tag} was removed`);
    }
  }

  #own(address: Address, tag: string): void {
    assert.deepEqual(address, EVIL, `${tag} of another address`);
  }

  #fromEvil({ caller, target, value }: Message): void {
    assert.deepEqual(caller, EVIL, "a message in another's name");
    this.sent(target, value);
  }

  #leaving(effect: OutboxEffect): void {
    if (effect.kind === "message") return this.#fromEvil(effect.message);
    const { sender, value } = effect.record;
    assert.deepEqual(sender, EVIL, "a record in another's name");
    const records = this.#effects?.egress ?? [];
    assert(records.some((each) => sameValue(each.value, value)));
  }
}

function sameValue(a: TypedValue, b: TypedValue): boolean {
  return a.typename === b.typename && Buffer.compare(a.value, b.value) === 0;
}
