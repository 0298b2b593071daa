import assert from "node:assert/strict";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { deferred } from "../../src/base/deferred.ts";
import type { Store, StoreInTheMaking } from "../../src/store/contract.ts";
import { keyOf } from "../../src/store/keys.ts";
import { MemoryContents, MemoryStore } from "../../src/store/memory.ts";
import { newOwner } from "../../src/store/owner.ts";
import { Witness } from "../../src/store/witness.ts";
import { WitnessedStore } from "../../src/store/witnessed-store.ts";
import { IDENTITY, metaWrite } from "../contracts/store.ts";
import { tempDir } from "../support/temp.ts";

async function newWitness(t: TestContext, epoch: number): Promise<Witness> {
  const path = join(tempDir(t), "witness");
  await Witness.write(path, { epoch, owner: newOwner() });
  return Witness.open(path);
}

function open(store: Store & StoreInTheMaking, witness: Witness): Promise<WitnessedStore> {
  return WitnessedStore.open({
    store,
    witness,
    dir: "a folder",
    identity: IDENTITY,
    acceptLoss: false,
  });
}

async function storeAt(epoch: number): Promise<MemoryContents> {
  const contents = new MemoryContents();
  await new MemoryStore(contents).commit([metaWrite(epoch)], epoch);
  return contents;
}

test("an epoch is witnessed when it is durable, not before", async (t) => {
  const durable = deferred<void>();
  const store = new MemoryStore();
  store.commit = () => durable.promise;
  const witness = await newWitness(t, 0);
  const witnessed = await open(store, witness);
  t.after(() => witnessed.close());
  const committing = witnessed.commit([metaWrite(1)], 1);
  assert.equal(witness.epoch, 0);
  durable.resolve();
  await committing;
  assert.equal(witness.epoch, 1);
});

test("an epoch whose commit failed is not witnessed", async (t) => {
  const store = new MemoryStore();
  store.commit = () => Promise.reject(new Error("the disk is gone"));
  const witness = await newWitness(t, 0);
  const witnessed = await open(store, witness);
  await assert.rejects(witnessed.commit([metaWrite(1)], 1), /the disk is gone/);
  await witnessed.close();
  assert.equal(witness.epoch, 0);
});

test("a store at or ahead of its witness is believed, one behind it is closed", async (t) => {
  for (const epoch of [3, 4]) {
    const witnessed = await open(new MemoryStore(await storeAt(epoch)), await newWitness(t, 3));
    await witnessed.close();
  }
  const behind = new MemoryStore(await storeAt(2));
  await assert.rejects(open(behind, await newWitness(t, 3)), {
    code: "STORE_BEHIND_WITNESS",
    message: /a folder ends at epoch 2, but epoch 3 was synced/,
  });
  await assert.rejects(behind.getMany([]), /after it was closed/);
});

test("a store of another format is refused", async (t) => {
  const store = new MemoryStore();
  await store.commit([{ key: keyOf("meta"), value: Buffer.from("0802", "hex") }], 1);
  await assert.rejects(open(store, await newWitness(t, 0)), {
    code: "STORE_FORMAT",
    message: /written in format 2; this version reads format 1/,
  });
});

test("a meta record that cannot be read is damage", async (t) => {
  const store = new MemoryStore();
  await store.commit([{ key: keyOf("meta"), value: Buffer.from("ff", "hex") }], 1);
  await assert.rejects(open(store, await newWitness(t, 0)), { code: "STORE_CORRUPT" });
});

test("close waits for a commit and its witness", async (t) => {
  const durable = deferred<void>();
  const store = new MemoryStore();
  store.commit = () => durable.promise;
  const witness = await newWitness(t, 0);
  const witnessed = await open(store, witness);
  const committing = witnessed.commit([metaWrite(1)], 1);
  const closing = witnessed.close();
  durable.resolve();
  await Promise.all([committing, closing]);
  assert.equal(witness.epoch, 1);
});
