import assert from "node:assert/strict";
import { test } from "node:test";
import { at, connect, Harness, idIn, textOf, value } from "./harness.ts";

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
