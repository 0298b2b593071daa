import assert from "node:assert/strict";
import { test } from "node:test";
import { messageBytes } from "../../src/model/message.ts";
import { decodeDead } from "../../src/store/records/dead.ts";
import { at, Harness, message, spec } from "../partition/harness.ts";

const BYTES = messageBytes(message("x", at("a"), "x".repeat(1_000)));

test("at unfinishedBytes nothing is taken in, what functions send still is, and then there is room", async () => {
  const it = await Harness.open({ limits: { unfinishedBytes: 3 * BYTES } });
  const send = (id: string) => it.send(at(id), id, { bytes: 1_000 });
  it.settle(send("a"), send("b"));
  assert.equal(it.partition.isFull, false);
  it.settle(send("c"));
  assert.equal(it.partition.fullBy, "unfinishedBytes");
  it.partition.offer(send("d"));
  assert.equal(it.partition.fullBy, "unfinishedBytes", "what was offered counts, and is kept");
  it.settle();
  const texts = it.started.map(({ invocation }) => invocation.target.id);
  assert.deepEqual(texts, ["a", "b", "c", "d"]);
  it.reply();
  it.reply();
  it.settle();
  assert.equal(it.partition.isFull, false);
  assert.equal(it.take("accepted").length, 4);
});

test("at parkedMessages what comes for a parked address is dead, and the address goes on whole afterwards", async () => {
  const it = await Harness.open({ limits: { parkedMessages: 2 } });
  it.settle(it.send(at("a"), "1"));
  it.fail();
  it.settle();
  it.settle(it.send(at("a"), "2"));
  it.settle(it.send(at("a"), "3"));
  const [dead] = it.stored("dead").map((entry) => decodeDead(entry.value));
  assert.equal(dead?.code, "MAILBOX_FULL");
  it.settle(it.operator({ kind: "retryParked", address: at("a") }));
  assert.deepEqual(it.batch, ["1", "2"]);
  it.reply();
  it.settle(it.send(at("a"), "4"));
  assert.deepEqual(it.batch, ["4"]);
  assert.equal(it.partition.ledger.drift, 0);
});

test("a state's name has MAX_NAME_LENGTH characters at most, or the answer has failed", async () => {
  const it = await Harness.open();
  const declare = (id: string, name: string) => {
    it.settle(it.send(at(id), "1"));
    it.answer({ kind: "incomplete", missing: [spec(name)] }, id);
    it.settle();
  };
  declare("long", "x".repeat(257));
  const reason = it.partition.parking.get(at("long"))?.reason;
  assert.equal(reason, "a state's name has more than 256 characters");
  declare("fits", "x".repeat(256));
  assert.equal(it.partition.parking.get(at("fits")), undefined);
  it.reply({}, "fits");
});

test("states beyond stateCacheBytes leave memory, the longest unused first, and come back as they were", async () => {
  const it = await Harness.open({ limits: { stateCacheBytes: 5_000 } });
  const ids = Array.from({ length: 20 }, (_, i) => `${i}`);
  it.settle(it.send(at("0"), "declare"));
  it.answer({ kind: "incomplete", missing: [spec("s")] });
  it.settle();
  it.reply();
  const value = (text: string) => ({
    ...{ typename: "test/plain", hasValue: true },
    value: Buffer.from(text.padEnd(1_000, ".")),
  });
  for (const id of ids) {
    it.settle(it.send(at(id), "set"));
    it.reply({ mutations: [{ name: "s", value: value(id) }] });
    it.settle();
  }
  it.settle(it.send(at("x"), "look"));
  it.reply();
  it.settle();
  assert(it.partition.states.bytes <= 5_000 + 2_000, `${it.partition.states.bytes} bytes`);
  assert.equal(it.partition.states.cached(`test/function/0`), undefined);
  for (const id of ids) {
    it.settle(it.send(at(id), "get"));
    const [state] = it.reply().invocation.state;
    assert(Buffer.from(state ?? "").includes(id.padEnd(1_000, ".")), id);
    it.settle();
  }
});
