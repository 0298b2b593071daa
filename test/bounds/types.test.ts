import assert from "node:assert/strict";
import { test } from "node:test";
import { at, binding, Harness, spec, value } from "../partition/harness.ts";

/** An endpoint that takes any name. */
const anyType = new Proxy({}, { get: () => binding() });

const lanes = (it: Harness) => [...it.partition.delivery.lanes()].map(({ type }) => type);

test("beyond IDLE_LANES the lanes of types with nothing to do are dropped, and made anew", async () => {
  const it = await Harness.open({ functions: anyType });
  const ids = Array.from({ length: 300 }, (_, i) => `any/type-${i}`);
  for (const type of ids) {
    it.settle(it.send(at("a", type), "1"));
    it.reply();
  }
  it.settle();
  assert(lanes(it).length <= 257, `${lanes(it).length} lanes`);
  it.settle(...ids.map((type) => it.send(at("a", type), "2")));
  assert.equal(it.started.length, 300, "every one is called again");
});

test("a lane with work or with trouble is kept, however many there are", async () => {
  const it = await Harness.open({ functions: anyType });
  it.settle(it.send(at("a", "any/troubled"), "1"));
  it.answer({ kind: "retryLater", reason: "refused" });
  it.settle(it.send(at("a", "any/busy"), "1"));
  for (let i = 0; i < 300; i++) {
    const type = `any/type-${i}`;
    it.settle(it.send(at(type, type), "1"));
    it.reply({}, type);
  }
  it.settle();
  assert(lanes(it).includes("any/busy"));
  assert(lanes(it).includes("any/troubled"));
});

test("the states of MAX_TYPES function types are known; one more type that declares some has failed", async () => {
  const it = await Harness.open({ functions: anyType });
  const declare = (type: string) => {
    it.turn(it.send(at(type, type), "1"));
    it.answer({ kind: "incomplete", missing: [spec("s")] }, type);
    while (it.read !== undefined) it.answerRead();
    if (it.started.some(({ invocation }) => invocation.target.id === type)) it.reply({}, type);
  };
  for (let i = 0; i < 10_000; i++) declare(`any/type-${i}`);
  it.settle();
  declare("any/more");
  it.settle();
  assert.equal(it.stored("specs").length, 10_000);
  const reason = it.partition.parking.get(at("any/more", "any/more"))?.reason;
  assert.equal(reason, "more than 10000 function types declare states");
  it.settle(it.send(at("x", "any/type-7"), "2"));
  assert.equal(it.started.length, 1, "those that are known go on");
});

const bytesOf = (it: Harness): number =>
  it.started.reduce((sum, { invocation }) => {
    return sum + invocation.state.reduce((all, entry) => all + entry.byteLength, 0);
  }, 0);

test("requests in flight of a type carry callBytes, then its next address waits; no other type does", async () => {
  const functions = { "test/function": binding(), "test/other": binding() };
  const it = await Harness.open({ functions, limits: { callBytes: 35_000 } });
  it.settle(it.send(at("first"), "declare"));
  it.answer({ kind: "incomplete", missing: [spec("s")] });
  it.settle();
  it.reply();
  const ids = Array.from({ length: 12 }, (_, i) => `${i}`);
  for (const id of ids) {
    it.settle(it.send(at(id), "grow"));
    it.reply({ mutations: [{ name: "s", value: value("y".repeat(10_000)) }] });
    it.settle();
  }
  const next = await it.reopen(); // so that the states have to be read
  next.settle(next.send(at("0"), "how large it is"));
  next.reply();
  next.settle(...ids.map((id) => next.send(at(id), "large")));
  assert.equal(next.started.length, 4);
  assert(bytesOf(next) < 35_000 + 10_100, `${bytesOf(next)} bytes are in flight`);
  next.settle(next.send(at("x", "test/other"), "small"));
  assert.equal(next.started.length, 5, "another type has room of its own");
  const served: string[] = [];
  for (; next.started.length > 0; next.settle()) {
    served.push(next.started[0]?.invocation.target.id ?? "");
    next.reply();
  }
  assert.deepEqual([...served].sort(), [...ids, "x"].sort());
});

test("a request that carries more than callBytes goes alone", async () => {
  const it = await Harness.open({ limits: { callBytes: 1 } });
  it.settle(it.send(at("first"), "how large requests are"));
  it.reply();
  it.settle(it.send(at("a"), "1"), it.send(at("b"), "2"));
  assert.deepEqual(it.batch, ["1"]);
  assert.equal(it.started.length, 1);
  it.fail();
  it.settle();
  assert.deepEqual(it.batch, ["2"]);
});
