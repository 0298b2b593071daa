import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";

test("the SDK imports no module of node's but for serving over node's HTTP", () => {
  const files = readdirSync("sdk/src", { recursive: true, encoding: "utf8" });
  const found = files
    .filter((file) => file.endsWith(".ts"))
    .flatMap((file) =>
      readFileSync(`sdk/src/${file}`, "utf8")
        .split("\n")
        .filter((line) => /["']node:/.test(line) && !line.startsWith("import type "))
        .map((line) => `${file}: ${line.trim()}`),
    );
  assert.deepEqual(
    found.map((line) => line.replace(/\s*\/\/.*$/, "")),
    ['http/serve.ts: const { createServer } = await import("node:http");'],
  );
});
