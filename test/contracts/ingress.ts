import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { utf8 } from "../../src/base/bytes.ts";
import type { Ingress } from "../../src/ingress/contract.ts";
import type { Header } from "../../src/model/message.ts";
import { partitionOfSource } from "../../src/model/owner.ts";
import type { OnInvalid, Route } from "../../src/spec/module.ts";
import { FakeSink } from "./fake-sink.ts";

export interface TestRecord {
  readonly key: Uint8Array | undefined;
  readonly value: Uint8Array | undefined;
  readonly headers: readonly Header[];
}

export interface IngressSettings {
  readonly topics: readonly Route[];
  readonly startup: "earliest" | "latest";
  readonly onInvalid: OnInvalid;
}

/** Topics that exist, and ingresses that read them. Closed with the test. */
export interface IngressWorld {
  /** A new ingress, as after a restart. The suite stops it. */
  ingress(settings: IngressSettings): Ingress;
  /** Resolves when the records can be read. */
  produce(topic: string, partition: number, records: readonly TestRecord[]): Promise<void>;
}

export type MakeIngressWorld = (
  t: TestContext,
  /** Name → partitions. */
  topics: Readonly<Record<string, number>>,
) => Promise<IngressWorld>;

const ROUTE: Route = {
  topic: "orders",
  valueType: "ns/Order",
  targets: ["ns/first", "ns/second"],
};

const SETTINGS: IngressSettings = { topics: [ROUTE], startup: "earliest", onInvalid: "deadLetter" };

function keyed(key: string, value: string, headers: readonly Header[] = []): TestRecord {
  return { key: utf8(key), value: utf8(value), headers };
}

function numbered(from: number, until: number): TestRecord[] {
  const count = until - from;
  return Array.from({ length: count }, (_, i) => keyed(`k${from + i}`, `${from + i}`));
}

function valuesOf(sink: FakeSink): string[] {
  return sink.taken.flatMap(({ record }) => {
    const value = record.messages[0]?.value.value;
    return value === undefined ? [] : [Buffer.from(value).toString()];
  });
}

function range(from: number, until: number): string[] {
  return Array.from({ length: until - from }, (_, i) => `${from + i}`);
}

async function started(
  t: TestContext,
  world: IngressWorld,
  sink: FakeSink,
  settings: Partial<IngressSettings> = {},
): Promise<Ingress> {
  const ingress = world.ingress({ ...SETTINGS, ...settings });
  t.after(() => ingress.stop());
  await ingress.start(sink);
  return ingress;
}

/** What every ingress with positions must do, whatever it reads. */
export function ingressContract(name: string, makeWorld: MakeIngressWorld): void {
  routing(name, makeWorld);
  unroutable(name, makeWorld);
  positions(name, makeWorld);
  flow(name, makeWorld);
}

function routing(name: string, makeWorld: MakeIngressWorld): void {
  test(`${name}: each record becomes a message for each target, in order, with the route's type`, async (t) => {
    const world = await makeWorld(t, { orders: 1 });
    const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    const headers = [
      { key: "traceparent", value: utf8(traceparent) },
      { key: "tenant", value: utf8("seven") },
    ];
    await world.produce("orders", 0, [keyed("alice", "one", headers), keyed("bob", "")]);
    const sink = new FakeSink(1);
    await started(t, world, sink);
    await sink.waitFor(2);
    const plain = (texts: readonly Header[] = []) =>
      texts.map((header) => [header.key, Buffer.from(header.value).toString()]);
    assert.deepEqual(
      sink.taken.flatMap(({ record }) =>
        record.messages.map((message) => ({
          ...message,
          value: { ...message.value, value: Buffer.from(message.value.value).toString() },
          headers: plain(message.headers),
        })),
      ),
      ["alice", "bob"].flatMap((id) =>
        ["ns/first", "ns/second"].map((type) => ({
          target: { type, id },
          value: { typename: "ns/Order", hasValue: true, value: id === "alice" ? "one" : "" },
          headers: id === "alice" ? plain(headers) : [],
          traceparent: id === "alice" ? traceparent : undefined,
        })),
      ),
    );
  });

  test(`${name}: topic partition k is read by partition k mod P, and says so by its name`, async (t) => {
    const world = await makeWorld(t, { orders: 3 });
    for (let k = 0; k < 3; k++) await world.produce("orders", k, [keyed(`k${k}`, `${k}`)]);
    const sink = new FakeSink(2);
    await started(t, world, sink);
    await sink.waitFor(3);
    for (const { partition, source, record } of sink.taken) {
      const value = record.messages[0]?.value.value ?? utf8("");
      const k = Number(Buffer.from(value).toString());
      assert(source.endsWith(`/${k}`), `${source} ends with the partition`);
      assert.equal(partition, k % 2);
      assert.equal(partition, partitionOfSource(source, 2));
    }
  });
}

function unroutable(name: string, makeWorld: MakeIngressWorld): void {
  test(`${name}: a record that cannot be routed is handed over with its reason, and its bytes`, async (t) => {
    const world = await makeWorld(t, { orders: 1 });
    await world.produce("orders", 0, [
      { key: undefined, value: utf8("no key"), headers: [] },
      { key: utf8("tombstone"), value: undefined, headers: [] },
      { key: utf8(""), value: utf8("empty key"), headers: [] },
      keyed("good", "good"),
    ]);
    const sink = new FakeSink(1);
    await started(t, world, sink);
    await sink.waitFor(4);
    assert.deepEqual(
      sink.taken.map(
        ({ record }) => record.invalid?.reason.match(/no key|tombstone|is empty/)?.[0],
      ),
      ["no key", "tombstone", "is empty", undefined],
    );
    const [first, second] = sink.taken.map(({ record }) => record.invalid);
    assert.equal(Buffer.from(first?.value.value ?? []).toString(), "no key");
    assert.equal(first?.value.typename, "ns/Order");
    assert.equal(second?.value.hasValue, false);
    assert.deepEqual(valuesOf(sink), ["good"]);
  });

  test(`${name}: "skip" passes over what cannot be routed`, async (t) => {
    const world = await makeWorld(t, { orders: 1 });
    const bad = { key: undefined, value: utf8("x"), headers: [] };
    await world.produce("orders", 0, [bad, keyed("a", "good"), bad]);
    const sink = new FakeSink(1);
    await started(t, world, sink, { onInvalid: "skip" });
    await sink.until(() => valuesOf(sink).length === 1);
    assert(sink.taken.every(({ record }) => record.invalid === undefined));
  });

  test(`${name}: "stop" ends that source before the record, and no other`, async (t) => {
    const world = await makeWorld(t, { orders: 2 });
    const bad = { key: undefined, value: utf8("x"), headers: [] };
    await world.produce("orders", 0, [keyed("a", "0"), bad, keyed("b", "after")]);
    const sink = new FakeSink(2);
    const ingress = await started(t, world, sink, { onInvalid: "stop" });
    await sink.waitFor(1);
    for (let i = 1; i < 4; i++) {
      await world.produce("orders", 1, [keyed("c", `${i}`)]);
      await sink.waitFor(1 + i);
    }
    assert.deepEqual(valuesOf(sink), ["0", "1", "2", "3"]);
    const stopped = ingress.sources().map((status) => status.stopped?.code);
    assert.deepEqual(stopped, ["RECORD_INVALID", undefined]);
    const source = ingress.sources()[0]?.source ?? "";
    assert.equal(sink.nextOf(source), sink.taken.find((own) => own.source === source) ? 1 : 0);
  });
}

function flow(name: string, makeWorld: MakeIngressWorld): void {
  test(`${name}: while a partition has no room, its source hands over nothing more, others do`, async (t) => {
    const world = await makeWorld(t, { orders: 2 });
    const sink = new FakeSink(2);
    sink.hold(0);
    await started(t, world, sink);
    await world.produce("orders", 0, numbered(0, 1));
    await world.produce("orders", 1, numbered(100, 101));
    await sink.until(() => valuesOf(sink).includes("100"));
    await world.produce("orders", 0, numbered(1, 4));
    await world.produce("orders", 1, numbered(101, 102));
    await sink.until(() => valuesOf(sink).includes("101"));
    assert(!valuesOf(sink).includes("1"), "the first take has not resolved");
    sink.release(0);
    await sink.waitFor(6);
    assert.deepEqual(
      valuesOf(sink).filter((value) => Number(value) < 100),
      range(0, 4),
    );
  });

  test(`${name}: it stops while a partition has no room, and twice`, async (t) => {
    const world = await makeWorld(t, { orders: 1 });
    const sink = new FakeSink(1);
    const ingress = await started(t, world, sink);
    await sink.until(() => sink.takes > 0);
    sink.hold(0);
    await world.produce("orders", 0, numbered(0, 2));
    await sink.waitFor(1);
    await Promise.all([ingress.stop(), ingress.stop()]);
    const takes = sink.takes;
    sink.release(0);
    await world.produce("orders", 0, numbered(2, 3));
    assert.equal(sink.takes, takes);
  });

  test(`${name}: it says how far it is behind`, async (t) => {
    const world = await makeWorld(t, { orders: 1 });
    const sink = new FakeSink(1);
    const ingress = await started(t, world, sink);
    sink.hold(0);
    await world.produce("orders", 0, numbered(0, 3));
    await sink.waitFor(1);
    const [behind] = ingress.sources();
    assert.deepEqual([behind?.partition, behind?.next, behind?.lag], [0, 0, 3]);
    assert.equal(behind?.stopped, undefined);
    sink.release(0);
    await sink.waitFor(3);
    await world.produce("orders", 0, numbered(3, 4));
    await sink.waitFor(4); // so the takes before are over
    const [later] = ingress.sources();
    assert((later?.next ?? 0) >= 3);
    assert((later?.lag ?? 9) <= 1);
  });
}

function positions(name: string, makeWorld: MakeIngressWorld): void {
  test(`${name}: after a restart it goes on at the stored position`, async (t) => {
    const world = await makeWorld(t, { orders: 1 });
    await world.produce("orders", 0, numbered(0, 5));
    const sink = new FakeSink(1);
    const first = await started(t, world, sink);
    await sink.waitFor(5);
    sink.commit();
    await first.stop();
    await world.produce("orders", 0, numbered(5, 8));
    await started(t, world, sink, { startup: "latest" });
    await sink.waitFor(8);
    assert.deepEqual(valuesOf(sink), range(0, 8));
  });

  test(`${name}: "latest" begins with what comes after the start, and that is remembered`, async (t) => {
    const world = await makeWorld(t, { orders: 1 });
    await world.produce("orders", 0, numbered(0, 3));
    const sink = new FakeSink(1);
    const first = await started(t, world, sink, { startup: "latest" });
    await sink.until(() => sink.takes > 0);
    sink.commit();
    await first.stop();
    await world.produce("orders", 0, numbered(3, 5));
    await started(t, world, sink, { startup: "latest" });
    await sink.waitFor(2);
    assert.deepEqual(valuesOf(sink), ["3", "4"]);
  });

  test(`${name}: after a rewind it goes on from what was committed, without a new record coming`, async (t) => {
    const world = await makeWorld(t, { orders: 1 });
    const sink = new FakeSink(1);
    const ingress = await started(t, world, sink);
    await world.produce("orders", 0, numbered(0, 3));
    await sink.waitFor(3);
    sink.commit();
    await world.produce("orders", 0, numbered(3, 6));
    await sink.waitFor(6);
    sink.forget();
    assert.equal(sink.taken.length, 3);
    ingress.rewind(0);
    await sink.waitFor(6);
    assert.deepEqual(valuesOf(sink), range(0, 6));
  });

  test(`${name}: a rewind before anything was committed begins where it began`, async (t) => {
    const world = await makeWorld(t, { orders: 1 });
    await world.produce("orders", 0, numbered(0, 3));
    const sink = new FakeSink(1);
    const ingress = await started(t, world, sink, { startup: "latest" });
    await sink.until(() => sink.takes > 0);
    await world.produce("orders", 0, numbered(3, 5));
    await sink.waitFor(2);
    sink.forget();
    ingress.rewind(0);
    await sink.waitFor(2);
    assert.deepEqual(valuesOf(sink), ["3", "4"]);
  });

  test(`${name}: a take that fails is made good for, from the stored position`, async (t) => {
    const world = await makeWorld(t, { orders: 1 });
    await world.produce("orders", 0, numbered(0, 4));
    const sink = new FakeSink(1);
    sink.failing = 2;
    await started(t, world, sink);
    await sink.waitFor(4);
    assert.deepEqual(valuesOf(sink), range(0, 4));
  });
}
