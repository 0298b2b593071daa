import assert from "node:assert/strict";
import { test } from "node:test";
import { at, binding, Harness, spec } from "../partition/harness.ts";

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
    while (it.read !== undefined) it.answerRead();
    it.answer({ kind: "incomplete", missing: [spec("s")] }, type);
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
