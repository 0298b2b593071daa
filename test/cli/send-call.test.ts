import assert from "node:assert/strict";
import { test } from "node:test";
import { StatefoldError } from "../../src/base/errors.ts";
import { builtinFromJson, encodeString } from "../../src/model/builtin-types.ts";
import { startFakeNode } from "../gateway/fake-node.ts";
import { cli, FakeIo } from "./fake-io.ts";

test("send prints the id of the message", async (t) => {
  const { url, messages } = await startFakeNode(t);
  const { code, out } = await cli(url, ["send", "demo/greeter", "ada", "hello"]);
  assert.deepEqual([code, out], [0, "m-1\n"]);
  const [sent] = messages.sent;
  assert.deepEqual(sent?.target, { type: "demo/greeter", id: "ada" });
  assert.deepEqual(Buffer.from(sent?.value.value ?? []), Buffer.from(encodeString("hello")));
});

test("an id reaches the node as it was typed", async (t) => {
  const { url, messages } = await startFakeNode(t);
  const ids = ["..", ".", "a/b", "%2F", "ü ?#", "-7"];
  for (const id of ids) await cli(url, ["send", "demo/greeter", id]);
  assert.deepEqual(
    messages.sent.map((each) => each.target.id),
    ids,
  );
});

test("send takes a type, a delay and a key", async (t) => {
  const { url, messages } = await startFakeNode(t);
  await cli(url, ["send", "demo/a", "1", "-5", "--type", "int", "--delay", "5s", "--key", "k 1"]);
  await cli(url, ["send", "demo/a", "1", '{"a":1}', "--type", "demo/Order"]);
  const [number, order] = messages.sent;
  const type = "io.statefun.types/int";
  assert.deepEqual(number?.value, {
    typename: type,
    hasValue: true,
    value: builtinFromJson(type, "-5"),
  });
  assert.deepEqual([number?.delayMs, number?.idempotencyKey], [5_000, "k 1"]);
  assert.equal(order?.value.typename, "demo/Order");
  assert.equal(Buffer.from(order?.value.value ?? []).toString(), '{"a":1}');
});

test("a dash reads the value from stdin", async (t) => {
  const { url, messages } = await startFakeNode(t);
  await cli(url, ["send", "demo/a", "1", "-", "--type", "demo/Blob"], "from stdin");
  assert.equal(Buffer.from(messages.sent[0]?.value.value ?? []).toString(), "from stdin");
});

test("call prints text as it is, numbers as numbers, and JSON with indentation", async (t) => {
  const { url } = await startFakeNode(t);
  const call = (value: string, type: string) =>
    cli(url, ["call", "demo/a", "1", value, "--type", type]);
  assert.equal((await call('say "hi"', "string")).out, 'say "hi"\n');
  assert.equal((await call("7", "int")).out, "7\n");
  assert.equal((await call("9223372036854775807", "long")).out, "9223372036854775807\n");
  assert.equal((await call("true", "bool")).out, "true\n");
  assert.equal((await call('{"a":[1]}', "demo/Order")).out, '{\n  "a": [\n    1\n  ]\n}\n');
  assert.equal((await call("{not json", "demo/Order")).out, "{not json\n");
});

test("bytes that are no text are kept from a terminal, and go to a file as they are", async (t) => {
  const { url, messages } = await startFakeNode(t);
  const bytes = Buffer.from([0xff, 0, 1]);
  messages.answer = () =>
    Promise.resolve({
      ...{ kind: "reply", messageId: "m-1" },
      value: { typename: "demo/Blob", hasValue: true, value: bytes },
    });
  const io = new FakeIo();
  await io.run(["call", "demo/a", "1", "--url", url]);
  assert.deepEqual(Buffer.concat(io.outs), bytes);
  const terminal = new FakeIo();
  terminal.outIsTerminal = true;
  const { out, err } = await terminal.run(["call", "demo/a", "1", "--url", url]);
  assert.equal(out, "");
  assert.match(err, /3 bytes of demo\/Blob/);
});

test("a call without a reply in time fails, and says how to fetch it", async (t) => {
  const { url, messages } = await startFakeNode(t);
  messages.answer = () => Promise.resolve({ kind: "pending", callId: "c-7" });
  const { code, out, err } = await cli(url, ["call", "demo/a", "1", "--timeout", "10ms"]);
  assert.deepEqual([code, out], [1, ""]);
  assert.match(err, /the work goes on.*\/v1\/calls\/c-7 \[CALL_TIMEOUT\]/);
  assert.equal(messages.called[0]?.timeoutMs, 10);
});

test("what the node refuses is said with its code", async (t) => {
  const { url, messages } = await startFakeNode(t);
  messages.refusal = new StatefoldError("TYPE_UNKNOWN", "no endpoint takes demo/a");
  const { code, err } = await cli(url, ["send", "demo/a", "1"]);
  assert.equal(code, 1);
  assert.equal(err, "statefold: no endpoint takes demo/a [TYPE_UNKNOWN]\n");
});
