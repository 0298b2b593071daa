import assert from "node:assert/strict";
import { test } from "node:test";
import { load, moduleOf, problemsOf, warningsOf } from "./loading.ts";

const ENDPOINTS = `
    endpoints:
      - endpoint:
          meta: {kind: http}
          spec: {functions: demo/*, urlPathTemplate: "http://h/{function.name}", timeouts: {call: 2min}}`;

const file = (version: string, spec: string, type = "remote") => `version: ${version}
module:
  meta: {type: ${type}}
  spec:${spec}
`;

test("a whole module of the older format becomes the same parts", () => {
  const text = file(
    '"3.0"',
    `${ENDPOINTS}
    ingresses:
      - ingress:
          meta: {type: io.statefun.kafka/ingress, id: demo/in}
          spec:
            id: overwritten
            address: "\${KAFKA}"
            consumerGroupId: g
            topics: [{topic: orders, valueType: demo/Order, targets: [demo/a]}]
      - ingress:
          meta: {type: io.statefun.kinesis/ingress, id: demo/kinesis}
          spec: {streams: [{stream: s, valueType: demo/Order, targets: [demo/a]}]}
    egresses:
      - egress:
          meta: {type: io.statefun.kafka/egress, id: demo/out}
          spec: {address: "kafka:9092"}
      - egress:
          meta: {type: io.statefun.kinesis/egress, id: "demo/\${NAME}"}
          spec: {}
      - egress:
          meta: {type: io.statefold.log.v1/egress, id: demo/log}
          spec: {}`,
    "Remote",
  );
  const module = moduleOf(text, { variables: { KAFKA: "kafka:9092", NAME: "out2" } });
  const [endpoint] = module.endpoints;
  assert(endpoint?.kind === "http");
  assert.equal(endpoint.transport.type, "okhttp");
  assert.equal(endpoint.transport.callMs, 120_000);
  assert.deepEqual(
    module.ingresses.map(({ kind, id }) => [kind, id]),
    [
      ["kafka", "demo/in"],
      ["kinesis", "demo/kinesis"],
    ],
  );
  assert.deepEqual(
    module.egresses.map(({ kind, id }) => [kind, id]),
    [
      ["kafka", "demo/out"],
      ["kinesis", "demo/out2"],
      ["log", "demo/log"],
    ],
  );
  assert.deepEqual(warningsOf(text, { variables: { KAFKA: "k", NAME: "x" } }), []);
});

test("only 3.0 is a version, and it needs quotes", () => {
  for (const old of ["1.0", "2.0"]) {
    assert.deepEqual(problemsOf(file(`"${old}"`, ENDPOINTS)), [
      `1:10 version: must be "3.0" (older formats are not read), not "${old}"`,
    ]);
  }
  assert.deepEqual(problemsOf(file("v3", ENDPOINTS)), ['1:10 version: must be "3.0", not "v3"']);
  assert.deepEqual(problemsOf(file("3.0", ENDPOINTS)), [
    '1:10 version: must have quotes: "3.0"; without them it is a number, not a version',
  ]);
});

test("the module needs its type and its spec", () => {
  assert.deepEqual(problemsOf('version: "3.0"\n'), [
    "1:1 module: is required: a mapping with meta and spec",
  ]);
  assert.deepEqual(problemsOf(file('"3.0"', ENDPOINTS, "embedded")), [
    '3:16 module.meta.type: must be remote, the only module type, not "embedded"',
  ]);
  assert.deepEqual(problemsOf('version: "3.0"\nmodule: {}\n'), [
    "2:9 module.meta: is required: a mapping with type",
    "2:9 module.spec: is required: a mapping with endpoints, ingresses and egresses",
  ]);
});

test("a mistake in one part leaves the others checked", () => {
  const { problems, warnings } = load(
    file(
      '"3.0"',
      `${ENDPOINTS}
      - endpoint: {meta: {kind: htp}, spec: {}}
    ingresses:
      - ingress: {meta: {type: io.statefun.kafka/ingress, id: in}, spec: {topics: []}}
    routers: []
    egresses:
      - egress: {meta: {type: io.statefun.kafka/egress}, spec: {address: k}}`,
    ),
  );
  assert.deepEqual(
    problems.map(({ line, path, message }) => `${line} ${path}: ${message}`),
    [
      '9 module.spec.endpoints[1].endpoint.meta.kind: must be written <namespace>/<name>, such as io.statefun.endpoints.v2/http, not "htp"',
      '11 module.spec.ingresses[0].ingress.spec.id: must be the id of the ingress, written <namespace>/<name> with one "/", such as demo/orders, not "in"',
      "11 module.spec.ingresses[0].ingress.spec.address: is required: the brokers, such as kafka:9092 (or the property bootstrap.servers)",
      "11 module.spec.ingresses[0].ingress.spec.consumerGroupId: is required: the consumer group, such as billing (or the property group.id)",
      "11 module.spec.ingresses[0].ingress.spec.topics: must not be empty: without an entry there is nothing to do",
      '14 module.spec.egresses[0].egress.spec.id: is required: the id of the egress, written <namespace>/<name> with one "/", such as demo/kafka',
    ],
  );
  assert.deepEqual(
    warnings.map(({ path, message }) => `${path}: ${message}`),
    [
      "module.spec.routers: unknown field, ignored; the fields here are endpoints, ingresses and egresses",
    ],
  );
});

test("beside another document a version means nothing", () => {
  const [first] = problemsOf(`${file('"3.0"', ENDPOINTS)}---\n{kind: a/b, spec: {}}\n`);
  assert.match(first ?? "none", /^1:1 kind: is required/);
});
