import assert from "node:assert/strict";
import { cpSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { tempDir } from "../support/temp.ts";
import { until } from "../support/until.ts";
import { startWith } from "./node.ts";

const OUT = "kind: io.statefold.log.v1/egress\nspec:\n  id: test/out\n";

interface Told {
  readonly text: string;
  readonly messageId: string;
}

async function tell(url: string, text: string): Promise<void> {
  const path = `${url}/v1/call/test/teller/someone`;
  const headers = { "content-type": "text/plain" };
  const response = await fetch(path, { method: "POST", headers, body: text });
  assert.equal(response.status, 200, await response.text());
}

async function told(url: string): Promise<Told[]> {
  const response = await fetch(`${url}/v1/topics/told?partition=0&offset=0`);
  const lines = (await response.text()).split("\n").filter((line) => line !== "");
  return lines.map((line) => {
    const record = JSON.parse(line) as { value: unknown };
    return (typeof record.value === "string" ? JSON.parse(record.value) : record.value) as Told;
  });
}

test("after an accepted loss everything new goes out, under ids that were never given", async (t) => {
  const dir = tempDir(t);
  const start = (acceptLoss = false) =>
    startWith(t, dir, "teller", { partitions: 1, acceptLoss }, [OUT]);
  const database = join(dir, "data", "partitions", "0");
  let running = await start();
  await tell(running.url, "kept");
  await running.node.stop();
  cpSync(database, `${dir}/copy`, { recursive: true });
  const expected = ["kept"];
  // Twice: the same old copy must not bring the same numbers and ids back either.
  for (const round of [1, 2]) {
    running = await start();
    for (const text of [`lost ${round}a`, `lost ${round}b`]) {
      await tell(running.url, text);
      expected.push(text);
    }
    await until("the lost ones are out", async () => {
      return (await told(running.url)).length === expected.length;
    });
    await running.node.stop();
    rmSync(database, { recursive: true });
    cpSync(`${dir}/copy`, `${dir}/again`, { recursive: true });
    renameSync(`${dir}/again`, database);
    await assert.rejects(start(), { code: "STORE_BEHIND_WITNESS" });
    running = await start(true);
    for (const text of [`new ${round}a`, `new ${round}b`]) {
      await tell(running.url, text);
      expected.push(text);
    }
    await until("the new ones are out too", async () => {
      return (await told(running.url)).length === expected.length;
    });
    await running.node.stop();
  }
  running = await start();
  const all = await told(running.url);
  assert.deepEqual(
    all.map(({ text }) => text),
    expected,
  );
  assert.equal(new Set(all.map(({ messageId }) => messageId)).size, all.length);
});
