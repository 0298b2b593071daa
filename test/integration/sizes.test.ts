import assert from "node:assert/strict";
import { test } from "node:test";
import { tempDir } from "../support/temp.ts";
import { startWith } from "./node.ts";

const MANY = 2_000;

async function call(
  url: string,
  id: string,
  type: string,
  body: Uint8Array | string,
): Promise<string> {
  const response = await fetch(`${url}/v1/call/test/keeper/${id}`, {
    method: "POST",
    headers: { "statefold-type": type, accept: "application/json" },
    body,
  });
  const text = await response.text();
  assert.equal(response.status, 200, text);
  return text;
}

test("one address of nearly 10 MB and many tiny ones live side by side, across a restart", async (t) => {
  const dir = tempDir(t);
  const first = await startWith(t, dir, "keeper");
  const large = new Uint8Array(10_000_000).fill(7);
  assert.equal(await call(first.url, "large", "io.statefun.types/bytes", large), "10000000");
  for (let from = 0; from < MANY; from += 100) {
    const ids = Array.from({ length: 100 }, (_, i) => `tiny-${from + i}`);
    await Promise.all(
      ids.map((id) => call(first.url, id, "io.statefun.types/bytes", new Uint8Array(3))),
    );
  }
  await first.node.stop();
  const second = await startWith(t, dir, "keeper");
  const ask = (id: string) => call(second.url, id, "io.statefun.types/string", "");
  assert.equal(await ask("large"), "10000000");
  assert.equal(await ask("tiny-0"), "3");
  assert.equal(await ask(`tiny-${MANY - 1}`), "3");
  assert.equal(await ask("never-seen"), "0");
});

test("a value over the limit is refused at the edge, and nothing else suffers", async (t) => {
  const { url } = await startWith(t, tempDir(t), "keeper");
  const response = await fetch(`${url}/v1/send/test/keeper/x`, {
    method: "POST",
    headers: { "statefold-type": "io.statefun.types/bytes" },
    body: new Uint8Array(11 * 1024 * 1024),
  });
  assert.equal(response.status, 413);
  const problem = (await response.json()) as { code: string };
  assert.equal(problem.code, "VALUE_TOO_LARGE");
  assert.equal(await call(url, "x", "io.statefun.types/string", ""), "0");
});
