import assert from "node:assert/strict";
import { resolve } from "node:path";
import { test } from "node:test";
import { loadModule } from "../../../src/spec/load-module.ts";
import { endpointOf, hints, mistakes } from "../loading.ts";

const KIND = "io.statefold.embedded.v1/functions";

function pathOf(written: string): string {
  const endpoint = endpointOf(KIND, `module: ${written}`);
  assert(endpoint.kind === "embedded");
  return endpoint.module;
}

test("a path is relative to the module file, absolute, a file URI, or a resource beside the module", () => {
  assert.equal(pathOf("./functions.js"), "/app/functions.js");
  assert.equal(pathOf("../lib/functions.js"), "/lib/functions.js");
  assert.equal(pathOf("/opt/functions.js"), "/opt/functions.js");
  assert.equal(pathOf("file:///opt/my%20functions.js"), "/opt/my functions.js");
  assert.equal(pathOf("classpath:functions.js"), "/app/functions.js");
  assert.equal(pathOf("classpath:/a/functions.js"), "/app/a/functions.js");
});

test("a module file with a relative name counts from the working directory", () => {
  const text = `kind: ${KIND}\nspec: {module: functions.js}`;
  const { module } = loadModule([{ file: "deploy/module.yaml", text }], {
    variables: () => undefined,
  });
  const [endpoint] = module?.endpoints ?? [];
  assert(endpoint?.kind === "embedded");
  assert.equal(endpoint.module, resolve("deploy/functions.js"));
});

test("a tilde is not expanded, which is a warning", () => {
  assert.equal(pathOf("~/functions.js"), "/app/~/functions.js");
  assert.deepEqual(hints(KIND, "module: ~/functions.js"), [
    'spec.module: "~" does not stand for the home directory: as in StateFun, this is a name beside the module file; write the whole path',
  ]);
});

test("a file that is not there is a problem, when the caller can look", () => {
  const fileExists = (path: string) => path === "/app/there.js";
  assert.deepEqual(mistakes(KIND, "module: there.js", { fileExists }), []);
  assert.deepEqual(mistakes(KIND, "module: gone.js", { fileExists }), [
    "spec.module: there is no such file: /app/gone.js",
  ]);
});

test("other URIs are refused", () => {
  assert.deepEqual(mistakes(KIND, "module: https://host/f.js"), [
    "spec.module: https: resources are not read; a path is relative to the module file, absolute, file:///… or classpath:…",
  ]);
  assert.match(mistakes(KIND, "module: file://host/f.js")[0] ?? "none", /names no local file/);
  assert.match(mistakes(KIND, 'module: ""')[0] ?? "none", /must be a JavaScript file .*, not ""$/);
});
