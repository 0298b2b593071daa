/** Records of the store: what is not what was written is refused, and never becomes something else. */
import assert from "node:assert/strict";
import { StatefoldError } from "../../src/base/errors.ts";
import { Few } from "../../src/base/few.ts";
import type { Message } from "../../src/model/message.ts";
import { encodeStateEntry } from "../../src/model/persisted-value.ts";
import { keyOf, type Tag } from "../../src/store/keys.ts";
import { decodeCall, encodeCall } from "../../src/store/records/call.ts";
import { decodeDead, encodeDead } from "../../src/store/records/dead.ts";
import { decodeMessage, encodeMessage } from "../../src/store/records/message.ts";
import { decodeMeta, encodeMeta } from "../../src/store/records/meta.ts";
import { decodeOnce, encodeOnce } from "../../src/store/records/once.ts";
import { decodeOutbox, encodeOutbox } from "../../src/store/records/outbox.ts";
import { decodeParked, encodeParked } from "../../src/store/records/parked.ts";
import { decodePosition, encodePosition } from "../../src/store/records/position.ts";
import { decodeSpecs, encodeSpecs } from "../../src/store/records/specs.ts";
import { decodeState, encodeState } from "../../src/store/records/state.ts";
import { decodeTimer, encodeTimer } from "../../src/store/records/timer.ts";
import { seal, unseal } from "../../src/store/seal.ts";
import type { Rng } from "../support/rng.ts";
import type { Attack } from "./attack.ts";
import { anyText, mangled } from "./words.ts";

interface Kind {
  readonly name: string;
  readonly tag: Tag;
  /** One as it is written. */
  readonly write: (rng: Rng) => Uint8Array;
  /** Reads, and writes again what was read. */
  readonly again: (bytes: Uint8Array) => Uint8Array;
}

const message = (rng: Rng): Message => ({
  target: { type: "demo/f", id: anyText(rng) },
  caller: rng.chance(0.5) ? { type: "demo/g", id: anyText(rng) } : undefined,
  value: {
    ...{ typename: anyText(rng), hasValue: true, value: rng.bytes(rng.int(30)) },
    ...(rng.chance(0.3) ? { metadata: Object.fromEntries([[anyText(rng), rng.bytes(3)]]) } : {}),
  },
  ...{ id: "0-1-2", causeId: undefined, acceptedAtMs: rng.int(2 ** 40), traceparent: undefined },
  headers: rng.chance(0.3) ? [{ key: anyText(rng), value: rng.bytes(5) }] : [],
  recordAtMs: undefined,
});

const address = (rng: Rng) => ({ type: "demo/f", id: anyText(rng) });

const KINDS: readonly Kind[] = [
  {
    ...{ name: "message", tag: "mail" },
    write: (rng) => encodeMessage(message(rng)),
    again: (bytes) => encodeMessage(decodeMessage(bytes)),
  },
  {
    ...{ name: "timer", tag: "timer" },
    write: (rng) =>
      encodeTimer({ message: message(rng), sender: address(rng), token: anyText(rng) }),
    again: (bytes) => encodeTimer(decodeTimer(bytes)),
  },
  {
    ...{ name: "outbox", tag: "outbox" },
    write: (rng) => encodeOutbox([{ kind: "message", message: message(rng) }]),
    again: (bytes) => encodeOutbox(decodeOutbox(bytes)),
  },
  {
    ...{ name: "state", tag: "state" },
    write: (rng) => {
      const name = anyText(rng);
      const entries = new Few([[name, encodeStateEntry(name, "t/t", rng.bytes(rng.int(40)))]]);
      return encodeState({ entries, expiries: new Few([[name, 5]]), sweepAtMs: 3 });
    },
    again: (bytes) => encodeState(decodeState(bytes)),
  },
  {
    ...{ name: "position", tag: "position" },
    write: (rng) => encodePosition(`log/${anyText(rng)}`, rng.int(2 ** 40)),
    again: (bytes) => {
      const { source, next } = decodePosition(bytes);
      return encodePosition(source, next);
    },
  },
  {
    ...{ name: "once", tag: "once" },
    write: (rng) =>
      encodeOnce({
        ...{ target: address(rng), key: anyText(rng), messageId: "m", callId: "", expiresAtMs: 9 },
      }),
    again: (bytes) => encodeOnce(decodeOnce(bytes)),
  },
  {
    ...{ name: "call", tag: "call" },
    write: (rng) =>
      encodeCall({
        ...{ callId: "0-1", messageId: "m", target: address(rng), expiresAtMs: 9 },
        reply: rng.chance(0.5) ? message(rng).value : undefined,
      }),
    again: (bytes) => encodeCall(decodeCall(bytes)),
  },
  {
    ...{ name: "parked", tag: "parked" },
    write: (rng) =>
      encodeParked({
        ...{ address: address(rng), code: "FUNCTION_FAILED", reason: anyText(rng) },
        ...{ sinceMs: rng.int(2 ** 40), attempts: rng.int(10) },
      }),
    again: (bytes) => encodeParked(decodeParked(bytes)),
  },
  {
    ...{ name: "dead", tag: "dead" },
    write: (rng) =>
      encodeDead({
        ...{ code: "TARGET_INVALID", reason: anyText(rng), atMs: 5, attempts: 1, source: "" },
        ...{ address: address(rng), what: { kind: "message", message: message(rng) }, egress: "" },
      }),
    again: (bytes) => encodeDead(decodeDead(bytes)),
  },
  {
    ...{ name: "specs", tag: "specs" },
    write: (rng) =>
      encodeSpecs("demo/f", [
        { name: anyText(rng), typename: "t/t", expireMode: "afterWrite", expireAfterMs: 5 },
      ]),
    again: (bytes) => {
      const { type, specs } = decodeSpecs(bytes);
      return encodeSpecs(type, specs);
    },
  },
  {
    ...{ name: "meta", tag: "meta" },
    write: (rng) =>
      encodeMeta({
        ...{ formatVersion: 1, application: anyText(rng), partition: 0, partitionCount: 1 },
        ...{ incarnation: 0, session: 1, epoch: rng.int(2 ** 40), nextSequence: 7, accepted: 1 },
        ...{ finished: 1, mail: 0, timers: 0, outbox: 0, dead: 0, outboxBytes: 0, barrier: 0 },
      }),
    again: (bytes) => encodeMeta(decodeMeta(bytes)),
  },
];

export const storedAttack: Attack = {
  name: "stored",
  strike: (rng, show) => {
    const kind = rng.pick(KINDS);
    const good = kind.write(rng);
    const bytes = rng.chance(0.2) ? rng.bytes(rng.int(60)) : mangled(rng, good);
    show([kind.name, Buffer.from(bytes).toString("hex")]);
    // As it lies on the disk: the seal tells, whatever was changed, in the value or in the key.
    const key = keyOf(kind.tag, anyText(rng));
    const onDisk = mangled(rng, seal(key, good));
    if (Buffer.compare(onDisk, seal(key, good)) !== 0) assert.equal(unseal(key, onDisk), undefined);
    assert.equal(unseal(mangledKey(key), seal(key, good)), undefined);
    // As it reaches a decoder: refused by name, or a record that stays what it is.
    let again: Uint8Array;
    try {
      again = kind.again(bytes);
    } catch (error) {
      assert(error instanceof StatefoldError && error.code === "STORE_CORRUPT", String(error));
      assert.match(error.message, /^a stored [a-z ]+ of \d+ bytes cannot be read: ./);
      return `${kind.name}: STORE_CORRUPT`;
    }
    assert.deepEqual(Buffer.from(kind.again(again)), Buffer.from(again));
    return `${kind.name}: read`;
  },
};

function mangledKey(key: Uint8Array): Uint8Array {
  const other = Buffer.from(key);
  other[other.byteLength - 1] = (other.at(-1) ?? 0) ^ 1;
  return other;
}
