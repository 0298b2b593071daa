import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { FakeIo, temporaryDirectory } from "./fake-io.ts";

const GOOD = `kind: io.statefun.endpoints.v2/http
spec:
  functions: demo/*
  urlPathTemplate: http://\${HOST}:9000/
`;

async function check(t: TestContext, text: string, ...more: string[]) {
  const io = new FakeIo();
  io.directory = temporaryDirectory(t);
  writeFileSync(join(io.directory, "module.yaml"), text);
  return await io.run(["check", "module.yaml", ...more]);
}

test("a module that is right is summed up", async (t) => {
  const { code, out } = await check(t, GOOD, "--set", "HOST=localhost");
  assert.deepEqual([code, out], [0, "fine: 1 endpoint, 0 ingresses, 0 egresses\n"]);
});

test("every mistake is a line with its place, and the exit code is 1", async (t) => {
  const { code, out } = await check(t, GOOD.replace("demo/*", "demo"));
  assert.equal(code, 1);
  const lines = out.trimEnd().split("\n");
  assert.match(lines[0] ?? "", /^module\.yaml:3:\d+ spec\.functions: /);
  assert.match(lines[1] ?? "", /^module\.yaml:4:\d+ spec\.urlPathTemplate: .*--set HOST=/);
});

test("a warning is no mistake, and goes to stderr", async (t) => {
  const { code, err } = await check(t, `${GOOD}  surprise: 1\n`, "--set", "HOST=localhost");
  assert.equal(code, 0);
  assert.match(err, /^module\.yaml:5:\d+ spec\.surprise: .* \(warning\)\n$/);
});

test("what Kafka would be told wrongly is a mistake, and what it ignores a warning", async (t) => {
  const kafka = (properties: string) => `${GOOD.replace("${HOST}", "localhost")}---
kind: io.statefun.kafka.v1/egress
spec:
  id: demo/out
  address: localhost:9092
  deliverySemantic: {type: at-least-once}
  properties: [${properties}]
`;
  const wrong = await check(t, kafka("{compression.type: fast}"));
  assert.equal(wrong.code, 1);
  assert.match(wrong.out, /^module\.yaml:\d+:\d+ spec\.properties: .*compression\.type.*\n$/);
  const several = await check(
    t,
    kafka("{compression.type: fast}, {max.request.size: much}, {linger.ms: 5}"),
  );
  assert.match(several.out, /compression\.type.*\n.*max\.request\.size.*\n$/);
  assert.match(several.err, /linger\.ms has no effect/);
  const ignored = await check(t, kafka("{linger.ms: 5}"));
  assert.match(
    ignored.err,
    /spec\.properties: the property linger\.ms has no effect.* \(warning\)\n$/,
  );
  assert.deepEqual([ignored.code, ignored.out], [0, "fine: 1 endpoint, 0 ingresses, 1 egress\n"]);
});

test("programs get the same as JSON", async (t) => {
  const { code, out } = await check(t, GOOD, "--json");
  assert.equal(code, 1);
  const report = JSON.parse(out) as { fine: boolean; problems: { line: number; path: string }[] };
  assert.equal(report.fine, false);
  assert.deepEqual(
    [report.problems[0]?.line, report.problems[0]?.path],
    [4, "spec.urlPathTemplate"],
  );
});

test("a file that is not there is an error", async () => {
  const { code, err } = await new FakeIo().run(["check", "nowhere.yaml"]);
  assert.equal(code, 1);
  assert.match(err, /nowhere\.yaml cannot be read.*\[MODULE_INVALID\]/);
});
