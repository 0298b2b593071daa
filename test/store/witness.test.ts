import assert from "node:assert/strict";
import { closeSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { newOwner } from "../../src/store/owner.ts";
import { SYNC_DELAY_MS, Witness } from "../../src/store/witness.ts";
import { tempDir } from "../support/temp.ts";

async function newWitness(t: TestContext, epoch = 0): Promise<string> {
  const path = join(tempDir(t), "witness");
  await Witness.write(path, { epoch, owner: newOwner() });
  return path;
}

async function epochIn(path: string): Promise<number> {
  const witness = await Witness.open(path);
  await witness.close();
  return witness.epoch;
}

function overwrite(path: string, at: number, bytes: Uint8Array): void {
  const file = openSync(path, "r+");
  writeSync(file, bytes, 0, bytes.byteLength, at);
  closeSync(file);
}

test("it remembers the last epoch recorded", async (t) => {
  const path = await newWitness(t, 3);
  const witness = await Witness.open(path);
  assert.equal(witness.epoch, 3);
  for (const epoch of [4, 5, 9, 2 ** 40 + 1]) {
    witness.record(epoch);
    assert.equal(await epochIn(path), epoch, "at once, without a sync");
  }
  await Promise.all([witness.close(), witness.close()]);
  assert.equal(await epochIn(path), 2 ** 40 + 1);
});

test("a torn write leaves the epoch before it", async (t) => {
  const path = await newWitness(t);
  const witness = await Witness.open(path);
  witness.record(1); // into the first page
  witness.record(2); // into the second
  witness.record(3); // into the first
  await witness.close();
  overwrite(path, 5, Buffer.from([99]));
  assert.equal(await epochIn(path), 2);
});

test("a witness that is missing, short, foreign or torn twice is an error", async (t) => {
  const path = await newWitness(t, 1);
  const error = { code: "STORE_CORRUPT", message: /cannot be told whether.*--accept-loss/ };
  const whole = readFileSync(path);
  for (const content of ["", "garbage", Buffer.alloc(8192), whole.subarray(0, 15)]) {
    writeFileSync(path, content);
    await assert.rejects(Witness.open(path), error);
  }
  writeFileSync(path, whole);
  for (const page of [0, 4096]) overwrite(path, page + 12, Buffer.from("torn"));
  await assert.rejects(Witness.open(path), error);
  rmSync(path);
  await assert.rejects(Witness.open(path), error);
});

test("an epoch that does not grow is a broken assumption", async (t) => {
  const witness = await Witness.open(await newWitness(t, 3));
  t.after(() => witness.close());
  assert.throws(() => witness.record(3), /broken assumption: epoch 3 after epoch 3/);
});

test("after a sync that failed it records nothing more, and none is tried a second time", async (t) => {
  const witness = await Witness.open(await newWitness(t, 3));
  let syncs = 0;
  const handle = await open(import.meta.filename, "r");
  t.mock.method(Object.getPrototypeOf(handle), "datasync", async () => {
    syncs++;
    throw Object.assign(new Error("EIO: i/o error"), { code: "EIO" });
  });
  await handle.close();
  t.mock.timers.enable({ apis: ["setTimeout"] });
  witness.record(4);
  assert.equal(syncs, 0);
  t.mock.timers.tick(SYNC_DELAY_MS);
  await Promise.resolve();
  await setImmediate();
  const failure = { code: "STORE_WRITE_FAILED", message: /refused a write to .*witness/ };
  assert.throws(() => witness.assertHealthy(), failure);
  assert.throws(() => witness.record(5), failure);
  await assert.rejects(witness.sync(), failure);
  await witness.close();
  assert.equal(syncs, 1);
});
