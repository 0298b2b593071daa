import assert from "node:assert/strict";
import { test } from "node:test";
import { io } from "@statefold/sdk/protocol";
import { statefold } from "#stored";
import { Few } from "../../../src/base/few.ts";
import type { Message } from "../../../src/model/message.ts";
import { encodeStateEntry } from "../../../src/model/persisted-value.ts";
import type { TypedValue } from "../../../src/model/typed-value.ts";
import { type CallRecord, decodeCall, encodeCall } from "../../../src/store/records/call.ts";
import { type DeadRecord, decodeDead, encodeDead } from "../../../src/store/records/dead.ts";
import { decodeMessage, encodeMessage } from "../../../src/store/records/message.ts";
import { decodeMeta, encodeMeta, type MetaRecord } from "../../../src/store/records/meta.ts";
import { decodeOnce, encodeOnce } from "../../../src/store/records/once.ts";
import {
  decodeOutbox,
  type EgressEffect,
  encodeOutbox,
  type OutboxEffect,
} from "../../../src/store/records/outbox.ts";
import { decodeParked, encodeParked } from "../../../src/store/records/parked.ts";
import { decodePosition, encodePosition } from "../../../src/store/records/position.ts";
import { decodeSpecs, encodeSpecs } from "../../../src/store/records/specs.ts";
import { decodeState, encodeState, type StateRecord } from "../../../src/store/records/state.ts";
import { decodeTimer, encodeTimer } from "../../../src/store/records/timer.ts";

/** Beyond 32 bits, and the largest number that is exact. */
const LARGE = [0, 1, 2 ** 31, 2 ** 32 + 5, 1_800_000_000_000, Number.MAX_SAFE_INTEGER];

const value = (text: string): TypedValue => ({
  ...{ typename: "io.statefun.types/string", hasValue: true },
  value: Buffer.from(text),
});

const WHOLE: Message = {
  target: { type: "ns/target", id: "größe/😀" },
  caller: { type: "ns/caller", id: "c" },
  value: { ...value("payload"), metadata: { h: Buffer.from("header") } },
  id: "0-1-2",
  causeId: "0-1-1",
  acceptedAtMs: 1_800_000_000_000,
  traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
  headers: [
    { key: "a", value: Buffer.from([0, 255]) },
    { key: "a", value: Buffer.alloc(0) },
  ],
  recordAtMs: 1_700_000_000_000,
};

const BARE: Message = {
  target: { type: "ns/target", id: "x" },
  value: { typename: "", hasValue: false, value: new Uint8Array(0) },
  ...{ caller: undefined, causeId: undefined, traceparent: undefined },
  ...{ id: "0-1-2", acceptedAtMs: 0, headers: [], recordAtMs: undefined },
};

const RECORD: EgressEffect = {
  value: value("record"),
  sender: { type: "ns/sender", id: "s" },
  ...{ causeId: "0-1-1", traceparent: undefined },
};

/** As plain values: which class of bytes it is does not count, nor whether what is absent is named. */
function plain(of: unknown): unknown {
  if (of instanceof Uint8Array) return [...of];
  if (Array.isArray(of)) return of.map(plain);
  if (typeof of !== "object" || of === null) return of;
  const fields = Object.entries(of).filter(([, each]) => each !== undefined);
  return Object.fromEntries(fields.map(([name, each]) => [name, plain(each)]));
}

const same = (actual: unknown, expected: unknown) =>
  assert.deepEqual(plain(actual), plain(expected));

test("a message comes back as it was, whole or bare", () => {
  for (const message of [WHOLE, BARE]) same(decodeMessage(encodeMessage(message)), message);
});

test("a present value that is empty comes back as present", () => {
  const message = { ...BARE, value: { ...BARE.value, typename: "t/t", hasValue: true } };
  assert.equal(decodeMessage(encodeMessage(message)).value.hasValue, true);
});

test("numbers are exact as far as numbers are", () => {
  for (const number of LARGE) {
    assert.equal(decodePosition(encodePosition("s", number)).next, number);
    const message = { ...BARE, acceptedAtMs: number };
    assert.equal(decodeMessage(encodeMessage(message)).acceptedAtMs, number);
  }
});

test("a timer comes back with its sender and token, or without", () => {
  const sender = { type: "ns/sender", id: "s" };
  same(decodeTimer(encodeTimer({ message: WHOLE, sender, token: "t" })), {
    ...{ message: WHOLE, sender, token: "t" },
  });
  same(decodeTimer(encodeTimer({ message: BARE, sender: undefined, token: "" })), {
    ...{ message: BARE, sender: undefined, token: "" },
  });
});

test("an outbox entry comes back with all of its effects, in order", () => {
  const effects: OutboxEffect[] = [
    { kind: "message", message: WHOLE },
    { kind: "record", record: RECORD },
    { kind: "message", message: BARE },
  ];
  same(decodeOutbox(encodeOutbox(effects)), effects);
});

test("a state comes back with its entries, expiries and its place in the expiry index", () => {
  const state: StateRecord = {
    entries: new Few(
      ["a", "größe", "n".repeat(200)].map((name) => [
        name,
        encodeStateEntry(name, "t/t", Buffer.alloc(name.length * 100, 1)),
      ]),
    ),
    expiries: new Few([["a", 1_800_000_000_000]]),
    sweepAtMs: 1_700_000_000_000,
  };
  const back = decodeState(encodeState(state));
  same([...back.entries], [...state.entries]);
  same([...back.expiries], [...state.expiries]);
  assert.equal(back.sweepAtMs, state.sweepAtMs);
});

test("the entries of a stored state are, byte for byte, field 2 of a request", () => {
  const { InvocationBatchRequest } = io.statefun.sdk.reqreply.ToFunction;
  for (const length of [0, 100, 127, 128, 16_383, 16_384, 100_000]) {
    const bytes = Buffer.alloc(length, 5);
    const states = ["a", "b"].map((stateName) => ({
      ...{ stateName, stateValue: { typename: "t/t", hasValue: true, value: bytes } },
    }));
    const request = Buffer.from(InvocationBatchRequest.encode({ state: states }).finish());
    const entries = new Few(["a", "b"].map((name) => [name, encodeStateEntry(name, "t/t", bytes)]));
    const record = encodeState({ entries, expiries: new Few(), sweepAtMs: 0 });
    const stored = decodeState(record).entries.values();
    assert.equal(Buffer.compare(Buffer.concat([...stored]), request), 0, `${length} bytes`);
    assert(Buffer.from(record).includes(request), "what is stored is not what is sent");
  }
});

test("what was read does not keep the store's buffer alive", () => {
  const entries = new Few([["a", encodeStateEntry("a", "t/t", Buffer.alloc(10))]]);
  const bytes = Buffer.from(encodeState({ entries, expiries: new Few(), sweepAtMs: 0 }));
  const [entry] = decodeState(bytes).entries.values();
  bytes.fill(0);
  assert.deepEqual(Buffer.from(entry ?? []), Buffer.from(entries.get("a") ?? []));
});

test("a used idempotency key comes back", () => {
  const once = {
    target: { type: "ns/t", id: "a" },
    ...{ key: "k", messageId: "m", callId: "", expiresAtMs: 1_800_000_000_000 },
  };
  same(decodeOnce(encodeOnce(once)), once);
});

test("a call without a reply is not the same as one with an empty reply", () => {
  const call: CallRecord = {
    target: { type: "ns/t", id: "a" },
    ...{ callId: "c", messageId: "m", expiresAtMs: 1_800_000_000_000, reply: undefined },
  };
  assert.equal(decodeCall(encodeCall(call)).reply, undefined);
  for (const reply of [value("done"), BARE.value]) {
    same(decodeCall(encodeCall({ ...call, reply })), { ...call, reply });
  }
});

test("a parked address and a dead letter come back", () => {
  const parked = {
    address: { type: "ns/t", id: "a" },
    ...{
      code: "FUNCTION_FAILED" as const,
      reason: "it threw",
      sinceMs: LARGE[4] ?? 0,
      attempts: 3,
    },
  };
  same(decodeParked(encodeParked(parked)), parked);
  const message: DeadRecord = {
    ...{ code: "TARGET_UNKNOWN", reason: "nobody", atMs: LARGE[4] ?? 0, attempts: 0 },
    ...{ address: undefined, what: { kind: "message", message: WHOLE } },
    ...{ source: "topic/0@7", egress: "" },
  };
  same(decodeDead(encodeDead(message)), message);
  const record: DeadRecord = {
    ...message,
    ...{ code: "EGRESS_REFUSED", address: RECORD.sender, what: { kind: "record", record: RECORD } },
    ...{ source: "", egress: "ns/out" },
  };
  same(decodeDead(encodeDead(record)), record);
});

test("a code that a newer version wrote reads as INTERNAL, and its reason still tells", () => {
  for (const unknown of ["FROM_THE_FUTURE", "constructor", "__proto__", "toString", ""]) {
    const bytes = statefold.stored.Parked.encode({
      address: {},
      code: unknown,
      reason: "why",
    }).finish();
    const { code, reason } = decodeParked(bytes);
    assert.deepEqual([code, reason], ["INTERNAL", "why"]);
  }
});

test("the states of a type come back, each with how it expires", () => {
  const specs = (["never", "afterWrite", "afterInvoke"] as const).map((expireMode, i) => ({
    ...{ name: `s${i}`, typename: "t/t", expireMode, expireAfterMs: i * 2 ** 40 },
  }));
  same(decodeSpecs(encodeSpecs("ns/t", specs)), { type: "ns/t", specs });
});

test("the books come back", () => {
  const meta: MetaRecord = {
    ...{ formatVersion: 1, application: "app", partition: 3, partitionCount: 8 },
    ...{ incarnation: 2, session: 2 ** 33, epoch: 2 ** 40, nextSequence: 2 ** 41 },
    ...{ accepted: 10, finished: 1, mail: 2, timers: 3, outbox: 4, dead: 0 },
    outboxBytes: 2 ** 34,
    barrier: 2 ** 35,
  };
  same(decodeMeta(encodeMeta(meta)), meta);
});

test("what lacks a part that every record of its kind has is refused by name", () => {
  const empty = new Uint8Array(0);
  const corrupt = (what: RegExp) => ({ code: "STORE_CORRUPT", message: what });
  assert.throws(() => decodeMessage(empty), corrupt(/^a stored message of 0 bytes.*its target/));
  assert.throws(() => decodeTimer(empty), corrupt(/^a stored timer .*its message/));
  assert.throws(() => decodeOnce(empty), corrupt(/its target is missing/));
  assert.throws(() => decodeCall(empty), corrupt(/its id is missing/));
  assert.throws(() => decodeParked(empty), corrupt(/its address is missing/));
  assert.throws(() => decodeDead(empty), corrupt(/its message is missing/));
  assert.throws(() => decodePosition(empty), corrupt(/its source is missing/));
  assert.throws(() => decodeSpecs(empty), corrupt(/its type is missing/));
  assert.throws(() => decodeMeta(Buffer.of(0x0a, 0x05)), corrupt(/^a stored record of the part/));
  assert.throws(() => decodeState(Buffer.of(0x12, 0x02, 0x0a, 0xff)), corrupt(/^a stored state/));
});

test("a way to expire that nobody knows is not taken for none", () => {
  const specs = [{ name: "s", typename: "t/t", expireMode: 7, expireAfterMs: 5 }];
  const bytes = statefold.stored.Specs.encode({ type: "a/b", specs }).finish();
  assert.throws(() => decodeSpecs(bytes), { code: "STORE_CORRUPT", message: /mode 7 is unknown/ });
});
