import assert from "node:assert/strict";
import { test } from "node:test";
import { statefold } from "#stored";
import { Few } from "../../../src/base/few.ts";
import type { Address } from "../../../src/model/address.ts";
import type { Message } from "../../../src/model/message.ts";
import { encodeStateEntry } from "../../../src/model/persisted-value.ts";
import type { TypedValue } from "../../../src/model/typed-value.ts";
import { type CallRecord, decodeCall, encodeCall } from "../../../src/store/records/call.ts";
import { type DeadRecord, decodeDead, encodeDead } from "../../../src/store/records/dead.ts";
import { decodeMessage, encodeMessage } from "../../../src/store/records/message.ts";
import { decodeMeta, encodeMeta, type MetaRecord } from "../../../src/store/records/meta.ts";
import { decodeOnce, encodeOnce, type OnceRecord } from "../../../src/store/records/once.ts";
import {
  decodeOutbox,
  type EgressEffect,
  encodeOutbox,
  type OutboxEffect,
} from "../../../src/store/records/outbox.ts";
import {
  decodeParked,
  encodeParked,
  type ParkedRecord,
} from "../../../src/store/records/parked.ts";
import { decodePosition, encodePosition } from "../../../src/store/records/position.ts";
import { decodeSpecs, encodeSpecs } from "../../../src/store/records/specs.ts";
import { decodeState, encodeState, type StateRecord } from "../../../src/store/records/state.ts";
import { decodeTimer, encodeTimer, type TimerRecord } from "../../../src/store/records/timer.ts";
import { createRng, type Rng } from "../../support/rng.ts";

/*
 * The records written and read by hand beside the code that is generated from the schema: either reads what
 * the other wrote, whatever is in it.
 */
const { stored } = statefold;
const RECORDS = 300;

interface Generated {
  encode(wire: object): { finish(): Uint8Array };
  decode(bytes: Uint8Array): object;
}

interface Kind<T> {
  readonly random: (rng: Rng) => T;
  readonly encode: (record: T) => Uint8Array;
  readonly decode: (bytes: Uint8Array) => T;
  readonly generated: Generated;
  /** As the generated code wants it. */
  readonly wire: (record: T) => object;
}

const TEXTS = [
  "",
  "a",
  "größe/😀",
  "ns/function",
  "\0",
  "__proto__",
  "x".repeat(39),
  "y".repeat(300),
];
const NUMBERS = [0, 1, 127, 128, 16_383, 16_384, 2 ** 31, 2 ** 32 + 5, 1_800_000_000_000];
const SIZES = [0, 1, 5, 64, 65, 127, 128, 1_000, 20_000];

const text = (rng: Rng): string => rng.pick(TEXTS);
const name = (rng: Rng): string => rng.pick(TEXTS.slice(1));
const maybe = <T>(rng: Rng, make: (rng: Rng) => T): T | undefined =>
  rng.chance(0.5) ? make(rng) : undefined;
const list = <T>(rng: Rng, make: (rng: Rng) => T, most = 4): T[] =>
  Array.from({ length: rng.int(most) }, () => make(rng));
const bytes = (rng: Rng): Uint8Array => rng.bytes(rng.pick(SIZES));
const number = (rng: Rng): number =>
  rng.chance(0.1) ? Number.MAX_SAFE_INTEGER : rng.pick(NUMBERS);
/** A clock may be before 1970. */
const time = (rng: Rng): number => (rng.chance(0.1) ? -rng.pick(NUMBERS) - 1 : number(rng));
const address = (rng: Rng): Address => ({ type: text(rng), id: text(rng) });

function value(rng: Rng): TypedValue {
  const plain = { typename: text(rng), hasValue: rng.chance(0.5), value: bytes(rng) };
  if (rng.chance(0.7)) return plain;
  return { ...plain, metadata: Object.fromEntries(new Map([[name(rng), bytes(rng)]])) };
}

function message(rng: Rng): Message {
  const recordAtMs = rng.chance(0.5) ? 1 + number(rng) : undefined;
  return {
    ...{ target: address(rng), caller: maybe(rng, address), value: value(rng), id: text(rng) },
    ...{ causeId: maybe(rng, name), acceptedAtMs: time(rng), traceparent: maybe(rng, name) },
    headers: list(rng, () => ({ key: text(rng), value: bytes(rng) })),
    recordAtMs: Number.isSafeInteger(recordAtMs) ? recordAtMs : undefined,
  };
}

const egress = (rng: Rng): EgressEffect => ({
  ...{ value: value(rng), sender: address(rng) },
  ...{ causeId: maybe(rng, name), traceparent: maybe(rng, name) },
});

const effect = (rng: Rng): OutboxEffect =>
  rng.chance(0.5)
    ? { kind: "message", message: message(rng) }
    : { kind: "record", record: egress(rng) };

const wireOfEffect = (of: OutboxEffect): object =>
  of.kind === "message" ? { message: of.message } : { record: of.record };

const MODES = ["never", "afterWrite", "afterInvoke"] as const;

const KINDS = {
  message: {
    ...{ random: message, encode: encodeMessage, decode: decodeMessage },
    ...{ generated: stored.Message, wire: (record) => record },
  } satisfies Kind<Message>,
  timer: {
    random: (rng) => ({
      ...{ message: message(rng), sender: maybe(rng, address), token: text(rng) },
    }),
    ...{ encode: encodeTimer, decode: decodeTimer },
    ...{ generated: stored.Timer, wire: (record) => record },
  } satisfies Kind<TimerRecord>,
  outbox: {
    random: (rng) => list(rng, effect, 8),
    ...{ encode: encodeOutbox, decode: decodeOutbox, generated: stored.Outbox },
    wire: (effects) => ({ effects: effects.map(wireOfEffect) }),
  } satisfies Kind<OutboxEffect[]>,
  dead: {
    random: (rng) => ({
      ...{ code: "TARGET_UNKNOWN", reason: text(rng), atMs: time(rng), attempts: rng.int(300) },
      ...{ address: maybe(rng, address), what: effect(rng), source: text(rng), egress: text(rng) },
    }),
    ...{ encode: encodeDead, decode: decodeDead, generated: stored.Dead },
    wire: ({ what, ...rest }) => ({ ...rest, ...wireOfEffect(what) }),
  } satisfies Kind<DeadRecord>,
  state: {
    random: (rng) => {
      const names = [...new Set(list(rng, name))];
      const ends = names.filter(() => rng.chance(0.5));
      return {
        entries: new Few(names.map((each) => [each, encodeStateEntry(each, "t/t", bytes(rng))])),
        expiries: new Few(ends.map((each) => [each, time(rng)])),
        sweepAtMs: rng.chance(0.5) ? 0 : number(rng),
      };
    },
    ...{ encode: encodeState, decode: decodeState, generated: stored.State },
    wire: ({ entries, expiries, sweepAtMs }) => ({
      values: entries.values().map((entry) => stored.State.decode(entry).values[0]),
      expiries: [...expiries].map(([each, atMs]) => ({ name: each, atMs })),
      sweepAtMs,
    }),
  } satisfies Kind<StateRecord>,
  position: {
    random: (rng) => ({ source: name(rng), next: number(rng) }),
    encode: ({ source, next }) => encodePosition(source, next),
    ...{ decode: decodePosition, generated: stored.Position, wire: (record) => record },
  } satisfies Kind<{ source: string; next: number }>,
  once: {
    random: (rng) => ({
      ...{ target: address(rng), key: text(rng), messageId: text(rng), callId: text(rng) },
      expiresAtMs: time(rng),
    }),
    ...{ encode: encodeOnce, decode: decodeOnce },
    ...{ generated: stored.Once, wire: (record) => record },
  } satisfies Kind<OnceRecord>,
  call: {
    random: (rng) => ({
      ...{ callId: name(rng), messageId: text(rng), target: address(rng) },
      ...{ expiresAtMs: time(rng), reply: maybe(rng, value) },
    }),
    ...{ encode: encodeCall, decode: decodeCall, generated: stored.Call },
    wire: (record) => ({ ...record, replied: record.reply !== undefined }),
  } satisfies Kind<CallRecord>,
  parked: {
    random: (rng) => ({
      ...{ address: address(rng), code: "FUNCTION_FAILED", reason: text(rng) },
      ...{ sinceMs: time(rng), attempts: rng.int(2 ** 31) },
    }),
    ...{ encode: encodeParked, decode: decodeParked },
    ...{ generated: stored.Parked, wire: (record) => record },
  } satisfies Kind<ParkedRecord>,
  specs: {
    random: (rng) => ({
      type: name(rng),
      specs: list(rng, () => ({
        ...{ name: text(rng), typename: text(rng), expireMode: rng.pick(MODES) },
        expireAfterMs: number(rng),
      })),
    }),
    encode: ({ type, specs }) => encodeSpecs(type, specs),
    ...{ decode: decodeSpecs, generated: stored.Specs },
    wire: ({ type, specs }) => ({
      type,
      specs: specs.map((spec) => ({ ...spec, expireMode: MODES.indexOf(spec.expireMode) })),
    }),
  } satisfies Kind<ReturnType<typeof decodeSpecs>>,
  meta: {
    random: (rng) => ({
      ...{ formatVersion: rng.int(5), application: text(rng), partition: rng.int(300) },
      ...{ partitionCount: rng.int(300), incarnation: number(rng), session: number(rng) },
      ...{ epoch: number(rng), nextSequence: number(rng), accepted: number(rng) },
      ...{ finished: number(rng), mail: number(rng), timers: number(rng), outbox: number(rng) },
      ...{ dead: number(rng), outboxBytes: number(rng), barrier: number(rng) },
    }),
    ...{ encode: encodeMeta, decode: decodeMeta },
    ...{ generated: stored.Meta, wire: (record) => record },
  } satisfies Kind<MetaRecord>,
} as const;

/** As plain values: which class of bytes or numbers it is does not count, nor whether what is absent is named. */
function plain(of: unknown): unknown {
  if (of instanceof Uint8Array) return Buffer.from(of).toString("hex");
  if (of instanceof Few) return [...of].map(plain);
  if (Array.isArray(of)) return of.map(plain);
  if (typeof of !== "object" || of === null) return of;
  if ("toNumber" in of && typeof of.toNumber === "function") return of.toNumber();
  const fields = Object.entries(of).filter(([, each]) => each !== undefined && each !== null);
  return Object.fromEntries(fields.map(([key, each]) => [key, plain(each)]));
}

/** What the generated code makes of it, defaults included: what was left out is as if it had been written. */
function read(generated: Generated, of: Uint8Array): unknown {
  return JSON.parse(JSON.stringify(plain(generated.decode(of))), (_, each) =>
    each === "" || each === 0 || each === false ? undefined : each,
  );
}

/** Fields of every wire type that no version has written. */
const UNKNOWN = Buffer.concat([
  Buffer.of(0xc0, 0x3e, 0x96, 0x01), // 1000, a varint
  Buffer.of(0xc1, 0x3e, 1, 2, 3, 4, 5, 6, 7, 8),
  Buffer.of(0xc2, 0x3e, 0x03, 0x0a, 0xff, 0xff),
  Buffer.of(0xc5, 0x3e, 1, 2, 3, 4),
]);

for (const [kindName, kind] of Object.entries(KINDS) as [string, Kind<unknown>][]) {
  test(`a ${kindName} written by hand is read by the generated code, and the other way`, () => {
    const rng = createRng(kindName.length);
    for (let n = 0; n < RECORDS; n++) {
      const record = kind.random(rng);
      const byHand = kind.encode(record);
      const byOracle = kind.generated.encode(kind.wire(record)).finish();
      assert.deepEqual(read(kind.generated, byHand), read(kind.generated, byOracle));
      assert.deepEqual(plain(kind.decode(byHand)), plain(record));
      assert.deepEqual(plain(kind.decode(byOracle)), plain(record));
      const newer = Buffer.concat([byOracle, UNKNOWN]);
      assert.deepEqual(plain(kind.decode(newer)), plain(record));
    }
  });

  test(`a ${kindName} that was cut off or changed is a record, or STORE_CORRUPT`, () => {
    const rng = createRng(kindName.length + 1);
    const attempt = (of: Uint8Array): void => {
      try {
        kind.decode(of);
      } catch (error) {
        assert.equal((error as { code?: string }).code, "STORE_CORRUPT");
      }
    };
    for (let n = 0; n < RECORDS; n++) {
      const whole = kind.encode(kind.random(rng));
      attempt(whole.subarray(0, rng.int(whole.byteLength + 1)));
      const changed = Buffer.from(whole);
      if (changed.byteLength > 0) changed[rng.int(changed.byteLength)] = rng.int(256);
      attempt(changed);
    }
  });
}
