import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { posix } from "node:path";
import { test } from "node:test";

/*
 * What is loaded before anything else happens: a file costs a third of a millisecond, and some packages cost a
 * tenth of a second. What not everybody needs is imported where it is first used.
 */
const STATIC = /^(?:import|export) (?!type\b)[^;]*?from "([^"]+)";|^import "([^"]+)";/gm;

/** Everything that comes with a file: ours by their paths, packages by their names. */
function loadedWith(file: string, found = new Set<string>()): Set<string> {
  found.add(file);
  for (const [, from, bare] of readFileSync(file, "utf8").matchAll(STATIC)) {
    const name = from ?? bare ?? "";
    if (!name.startsWith(".")) found.add(name);
    else {
      const path = posix.join(posix.dirname(file), name);
      if (!found.has(path)) loadedWith(path, found);
    }
  }
  return found;
}

test("a node loads what is behind its ways in and out when its module or its options name it", () => {
  const loaded = [...loadedWith("src/node/start.ts")];
  const late =
    /^src\/(kafka|snapshot|blob|invoke|doctor)\/|kafkajs|undici|client-s3|^@statefold\/sdk$/;
  const early = loaded.filter((name) => late.test(name));
  assert.deepEqual(early, []);
  assert(loaded.includes("src/store/level.ts"), "what it always needs is found");
});

test("the command line loads no node, no store and no YAML before a command needs it", () => {
  const loaded = [...loadedWith("src/cli/main.ts")];
  const early = loaded.filter((name) =>
    /^src\/(node|store|doctor|log)\/|^yaml$|^level$/.test(name),
  );
  assert.deepEqual(early, []);
});

test("of undici only its client and its errors are loaded", () => {
  const loaded = [...loadedWith("src/invoke/http.ts")].filter((name) => name.startsWith("undici"));
  assert.deepEqual(loaded.sort(), ["undici/lib/core/errors.js", "undici/lib/dispatcher/client.js"]);
});
