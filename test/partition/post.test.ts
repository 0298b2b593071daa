import assert from "node:assert/strict";
import { test } from "node:test";
import { partitionOf } from "../../src/model/partitioner.ts";
import { CALL_TYPE } from "../../src/partition/ports.ts";
import { ownerOf } from "../../src/partition/post.ts";
import { at, connect, Harness, idIn, textOf, value } from "./harness.ts";

test("an address belongs to the partition of its id, whatever its type", () => {
  for (const id of ["a", "b", "user-17"]) {
    assert.equal(ownerOf(at(id), 7), partitionOf(id, 7));
    assert.equal(ownerOf(at(id, "other/type"), 7), partitionOf(id, 7));
  }
});

test("a call belongs to the partition that took it, and one no partition can have taken to nobody", () => {
  assert.equal(ownerOf({ type: CALL_TYPE, id: "3-1-a-xyz" }, 8), 3);
  for (const id of ["", "x", "-1", "1234567-1", "3"]) {
    assert.equal(ownerOf({ type: CALL_TYPE, id }, 8), undefined, id);
  }
});

test("a reply finds its caller in another partition", async () => {
  const a = await Harness.open({ partitionCount: 2 });
  const b = await Harness.open({ partition: 1, partitionCount: 2 });
  connect(a, b);
  const call = a.call(at(idIn(0, 2)), "forward me");
  a.settle(call);
  const caller = a.started[0]?.invocation.messages[0]?.caller;
  assert(caller !== undefined);
  a.reply({ messages: [{ target: at(idIn(1, 2)), value: value(caller.id) }] });
  a.settle();
  connect(a, b);
  b.reply({ messages: [{ target: caller, value: value("from afar") }] });
  b.settle();
  connect(a, b);
  assert.deepEqual(
    a.take("replied").map(({ request, value: reply }) => [request, textOf(reply)]),
    [[call.request, "from afar"]],
  );
});

test("a message to itself is handled after what waits already", async () => {
  const it = await Harness.open();
  it.settle(it.send(at("a"), "1"));
  it.settle(it.send(at("a"), "2"));
  it.reply({ messages: [{ target: at("a"), value: value("to myself") }] });
  it.settle();
  assert.deepEqual(it.batch, ["2", "to myself"]);
});
