import assert from "node:assert/strict";
import { test } from "node:test";
import { loadModule } from "../../src/spec/load-module.ts";
import { formatProblem } from "../../src/spec/problem.ts";
import { document, ENDPOINT, load, moduleOf, problemsOf, warningsOf } from "./loading.ts";

const log = (id: string, target = "demo/a") =>
  document(
    "io.statefold.log.v1/ingress",
    `id: ${id}\ntopics: [{topic: t, valueType: x/y, targets: [${target}]}]`,
  );

test("documents of several files make one module, in order", () => {
  const sources = [
    { file: "a.yaml", text: ENDPOINT },
    { file: "b.yaml", text: `${log("demo/one")}---\n---\n${log("demo/two")}` },
  ];
  const { module, problems, warnings } = loadModule(sources, { variables: () => undefined });
  assert.deepEqual([problems, warnings], [[], []]);
  assert.deepEqual(
    module?.ingresses.map(({ id }) => id),
    ["demo/one", "demo/two"],
  );
  assert.deepEqual(module?.ingresses[0]?.place, { file: "b.yaml", line: 3, column: 3 });
});

test("a module needs an endpoint, and nothing else", () => {
  assert.deepEqual(moduleOf(ENDPOINT).ingresses, []);
  const needs =
    "the module has no function endpoint: it needs a document of kind io.statefun.endpoints.v2/http or io.statefold.embedded.v1/functions";
  assert.deepEqual(problemsOf(log("demo/in")), [`1:1: ${needs}`]);
  assert.deepEqual(problemsOf(""), [`1:1: ${needs}`]);
  const { problems } = loadModule([], { variables: () => undefined });
  assert.deepEqual(problems.map(formatProblem), [`module.yaml:1:1: ${needs}`]);
});

test("a missing endpoint is not blamed while something else may be one", () => {
  for (const text of ["kind: io.statefun.endpoints.v3/http\nspec: {}", "kind: [", "spec: {}"]) {
    const problems = problemsOf(`${log("demo/in")}---\n${text}\n`);
    assert.equal(
      problems.some((line) => line.includes("no function endpoint")),
      false,
      text,
    );
    assert.notEqual(problems.length, 0);
    assert.deepEqual(warningsOf(`${log("demo/in")}---\n${text}\n`), []);
  }
});

test("ids are unique among ingresses and among egresses, across files", () => {
  const egress = (id: string) => document("io.statefold.log.v1/egress", `id: ${id}`);
  const sources = [
    { file: "a.yaml", text: `${log("demo/x")}---\n${egress("demo/x")}---${ENDPOINT}` },
    { file: "b.yaml", text: `${egress("demo/x")}---\n${log("demo/x")}` },
  ];
  const { problems, module } = loadModule(sources, { variables: () => undefined });
  assert.equal(module, undefined);
  assert.deepEqual(problems.map(formatProblem), [
    "b.yaml:3:7 spec.id: the egress demo/x is defined already, at a.yaml:8:7",
    "b.yaml:7:7 spec.id: the ingress demo/x is defined already, at a.yaml:3:7",
  ]);
});

test("a duplicate is found although its document has other mistakes", () => {
  const broken = document("io.statefold.log.v1/ingress", "id: demo/x\ntopics: []");
  assert.deepEqual(problemsOf(`${broken}---\n${broken}---${ENDPOINT}`), [
    "4:11 spec.topics: must not be empty: without an entry there is nothing to do",
    "8:7 spec.id: the ingress demo/x is defined already, at /app/module.yaml:3:7",
    "9:11 spec.topics: must not be empty: without an entry there is nothing to do",
  ]);
});

test("a target that nobody serves is a warning, since the module can run", () => {
  const text = `${log("demo/in", "demo/a, other/b")}---${ENDPOINT}`;
  assert.deepEqual(warningsOf(text), [
    "4:57 spec.topics[0].targets[1]: no endpoint serves other/b; records for it will go to the dead letters",
  ]);
  assert.notEqual(load(text).module, undefined);
});

test("with embedded functions it is not known yet who serves a target", () => {
  const embedded = document("io.statefold.embedded.v1/functions", "module: ./f.js");
  assert.deepEqual(warningsOf(`${log("demo/in", "other/b")}---\n${embedded}`), []);
});

test("a document is a mapping with kind and spec", () => {
  assert.deepEqual(problemsOf("- 1\n---\n{}\n---\nkind:\nspec:\n---\ntext"), [
    "1:1: must be a mapping with kind and spec, not a list",
    "3:1 kind: is required: a kind, such as io.statefun.endpoints.v2/http",
    "3:1 spec: is required: a mapping with what this kind needs",
    "5:1 kind: is empty; it must be a kind, such as io.statefun.endpoints.v2/http",
    "6:1 spec: is empty; it must be a mapping with what this kind needs",
    '8:1: must be a mapping with kind and spec, not "text"',
  ]);
  assert.deepEqual(problemsOf("kind: io.statefun.endpoints.v2/http\nspec: [1]"), [
    "2:7 spec: must be a mapping with functions, urlPathTemplate, transport, onFailure, retry, concurrency, delivery and maxNumBatchRequests, not a list",
  ]);
});

test("an unknown kind is told, with the nearest or with all", () => {
  assert.deepEqual(problemsOf("kind: io.statefun.kafka.v1/ingres\nspec: {}"), [
    '1:7 kind: there is no kind "io.statefun.kafka.v1/ingres"; did you mean "io.statefun.kafka.v1/ingress"?',
  ]);
  assert.match(
    problemsOf("kind: my/thing\nspec: {}")[0] ?? "none",
    /^1:7 kind: there is no kind "my\/thing"; the kinds are io\.statefun\.endpoints\.v2\/http, .* and io\.statefun\.playground\.v1\/egress$/,
  );
  assert.match(
    problemsOf("kind: http\nspec: {}")[0] ?? "none",
    /must be written <namespace>\/<name>, such as/,
  );
});

test("placeholders are replaced in every value of a spec, and nowhere else", () => {
  const variables = { NS: "demo", PORT: "8000", KIND: "x" };
  const text = `kind: io.statefun.endpoints.v2/http
spec:
  functions: \${NS}/*
  urlPathTemplate: http://\${HOST:-h}:\${PORT}/{function.name}
  maxNumBatchRequests: \${LIMIT:-7}
`;
  const [endpoint] = moduleOf(text, { variables }).endpoints;
  assert(endpoint?.kind === "http");
  assert.equal(endpoint.functions.namespace, "demo");
  assert.equal(endpoint.urlPathTemplate, "http://h:8000/{function.name}");
  assert.equal(endpoint.maxNumBatchRequests, 7);
  assert.match(
    problemsOf(`kind: \${KIND}\nspec: {}`, { variables })[0] ?? "none",
    /^1:7 kind: must be written .*, not "\$\{KIND\}"; placeholders are replaced only inside spec$/,
  );
});

test("a placeholder without value, or with one that does not fit, is told where it stands", () => {
  const text = document("io.statefun.playground.v1/ingress", `port: \${PORT}`);
  assert.deepEqual(problemsOf(`${text}---${ENDPOINT}`), [
    `3:9 spec.port: the variable PORT has no value; it can come from --set PORT=VALUE, the environment, or a default: \${PORT:-VALUE}`,
  ]);
  assert.deepEqual(problemsOf(`${text}---${ENDPOINT}`, { variables: { PORT: "high" } }), [
    `3:9 spec.port: must be a whole number between 0 and 65535, not "high" (from "\${PORT}")`,
  ]);
});

test("unknown fields are warnings wherever they stand, with their own place", () => {
  const text = `kind: io.statefun.endpoints.v2/http
metadata: {name: x}
spec:
  functions: demo/*
  urlPathTemplate: http://h
  maxNumBatchRequest: 5
  __proto__: 1
  transport: {cal: 3s}
`;
  assert.deepEqual(warningsOf(text), [
    "2:1 metadata: unknown field, ignored; the fields here are kind and spec",
    '6:3 spec.maxNumBatchRequest: unknown field, ignored; did you mean "maxNumBatchRequests"?',
    "7:3 spec.__proto__: unknown field, ignored; the fields here are functions, urlPathTemplate, transport, onFailure, retry, concurrency, delivery and maxNumBatchRequests",
    '8:15 spec.transport.cal: unknown field, ignored; did you mean "call"?',
  ]);
  assert.equal(load(text).module?.endpoints.length, 1);
});

test("problems come in the order of files and lines, whoever found them", () => {
  const sources = [
    { file: "z.yaml", text: "kind: a/b\nspec: {}\n---\nx: [\n" },
    { file: "a.yaml", text: "kind: c/d\nspec: {}" },
  ];
  const { problems } = loadModule(sources, { variables: () => undefined });
  const places = problems.map(({ file, line }) => `${file}:${line}`);
  assert.equal(places[0], "z.yaml:1");
  assert.equal(places.at(-1), "a.yaml:1");
  assert.match(places[1] ?? "none", /^z\.yaml:[45]$/);
});

test("a value of any length is told in a line that can be read", () => {
  const text = `kind: io.statefun.kafka.v1/egress\nspec: {${"k".repeat(50_000)}: 1, id: ${"/".repeat(50_000)}}\n`;
  const { problems, warnings } = load(text);
  assert(problems.length > 0);
  for (const { path, message } of [...problems, ...warnings]) {
    assert(path.length <= 500 && message.length <= 1_000, `${path.length}, ${message.length}`);
  }
});
