import assert from "node:assert/strict";
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { env as environment } from "node:process";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { openBlobStore } from "../../src/blob/open.ts";
import { textAt } from "../contracts/blob-store.ts";
import { S3_CREDENTIALS } from "../support/blob/s3-server.ts";
import { tempDir } from "../support/temp.ts";

test("a folder is opened by its URL or its path, and made by the first write", async (t) => {
  const folder = join(tempDir(t), "with space");
  const path = join(folder, "backup");
  const forms = [path, pathToFileURL(path).href, `file:${path}`, `FILE:${path}`];
  for (const form of forms) {
    const store = await openBlobStore(form);
    assert.equal(await store.get("k"), undefined);
    for await (const entry of store.list("")) assert.fail(entry.key);
    await store.delete(["k"]);
    await store.close();
  }
  assert(!existsSync(folder), "looking makes nothing");
  const store = await openBlobStore(forms[0] ?? "");
  await store.put("k", Buffer.from("text"));
  for (const form of forms) assert.equal(await textAt(await openBlobStore(form), "k"), "text");
});

test("a bucket is opened without asking it anything", async () => {
  Object.assign(environment, S3_CREDENTIALS);
  const store = await openBlobStore(
    "s3://bucket/prefix?endpoint=http://127.0.0.1:1&pathStyle=true",
    {
      attempts: 2,
      wait: async () => {},
    },
  );
  await assert.rejects(store.get("k"), {
    code: "BLOB_UNAVAILABLE",
    message: "the blob store s3://bucket/prefix/ did not read k",
  });
  await store.close();
});

test("what is neither is refused with the forms there are", async () => {
  const wrong = ["", "gs://bucket/x", "http://localhost/x", "file://elsewhere/x", "file:", "a\0b"];
  for (const url of wrong) {
    await assert.rejects(
      openBlobStore(url),
      { code: "CONFIG_INVALID", message: /the forms are file:/ },
      url,
    );
  }
});

test("a folder that is a file is refused by name", async (t) => {
  const path = join(tempDir(t), "file");
  mkdirSync(path);
  const inside = await openBlobStore(join(path, "x"));
  await inside.put("file", Buffer.from("a file"));
  const store = await openBlobStore(join(path, "x", "file"));
  await assert.rejects(store.put("k", Buffer.from("k")), { code: "BLOB_REFUSED" });
  assert.equal(await store.get("k"), undefined);
});
