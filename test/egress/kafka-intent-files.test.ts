import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { IntentFiles } from "../../src/egress/kafka-intent-files.ts";
import { intentsContract } from "../contracts/kafka-intents.ts";
import { MemoryIntents } from "./memory-intents.ts";

async function folder(t: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "statefold-intents-"));
  t.after(() => rm(path, { recursive: true }));
  return path;
}

intentsContract("in files", async (t) => {
  const path = join(await folder(t), "egresses");
  const open = (): IntentFiles => {
    const files = new IntentFiles(path);
    t.after(() => files.close());
    return files;
  };
  return { open };
});

intentsContract("in memory", async () => {
  const memory = new MemoryIntents();
  return { open: () => memory };
});

test("a folder that cannot be made is an error each time, and no longer when it can", async (t) => {
  const path = join(await folder(t), "egresses");
  const files = new IntentFiles(path);
  t.after(() => files.close());
  await writeFile(path, "");
  await assert.rejects(files.write("way", Buffer.from("1")));
  await rm(path);
  await files.write("way", Buffer.from("1"));
  await files.close();
});
