import assert from "node:assert/strict";
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { Store } from "../../src/store/contract.ts";
import { readDescription } from "../../src/store/description.ts";
import { DataDirectory, type DirectoryOptions } from "../../src/store/directory.ts";
import { borrowLock } from "../../src/store/directory-lock.ts";
import { keyOf } from "../../src/store/keys.ts";
import { decodeMeta, encodeMeta } from "../../src/store/records/meta.ts";
import { deadKey, IDENTITY, metaWrite, storeContract } from "../contracts/store.ts";
import { META } from "../snapshot/examples.ts";
import { atEnd } from "../support/cleanup.ts";
import { type Script, startScript } from "../support/process.ts";
import { tempDir } from "../support/temp.ts";

const OPTIONS = { application: "test", partitions: 1, clock: { now: () => 1_000_000 } };

async function openDirectory(
  t: TestContext,
  dir: string,
  options: Partial<DirectoryOptions> = {},
): Promise<DataDirectory> {
  const directory = await DataDirectory.open({ dir, ...OPTIONS, ...options });
  atEnd(t, () => directory.close());
  return directory;
}

test("a place below a file is none for a data directory, and no damage", async (t) => {
  const file = join(tempDir(t), "notes.txt");
  writeFileSync(file, "");
  for (const dir of [file, join(file, "data")]) {
    await assert.rejects(openDirectory(t, dir), {
      code: "CONFIG_INVALID",
      message: /the data directory .* cannot be made/,
    });
    await assert.rejects(readDescription(join(dir, "statefold.json")), {
      code: "CONFIG_INVALID",
      message: /statefold.json cannot be there: what should be a folder above it is a file/,
    });
  }
});

/** A directory whose partition 0 was closed at this epoch. */
async function directoryAt(t: TestContext, epoch: number): Promise<string> {
  const dir = join(tempDir(t), "data");
  const directory = await openDirectory(t, dir);
  const store = await directory.openPartition(0);
  for (let at = 1; at <= epoch; at++) await store.commit([metaWrite(at)], at);
  await directory.close();
  return dir;
}

function fileIn(dir: string, pattern: RegExp): string {
  const name = readdirSync(dir).find((file) => pattern.test(file));
  assert(name !== undefined, `no file like ${pattern} in ${dir}`);
  return join(dir, name);
}

storeContract("a partition of a data directory", async (t) => {
  const directory = await openDirectory(t, tempDir(t));
  let store = await directory.openPartition(0);
  return {
    store,
    reopen: async () => {
      await store.close();
      store = await directory.openPartition(0);
      return store;
    },
  };
});

test("a new directory is made, with its parents, and opened again", async (t) => {
  const dir = join(tempDir(t), "a", "b");
  const first = await openDirectory(t, dir, { partitions: 3 });
  assert.deepEqual(first.description, {
    formatVersion: 1,
    application: "test",
    partitions: 3,
    createdAtMs: 1_000_000,
  });
  assert.equal(first.path, dir);
  assert(existsSync(first.topicsPath));
  assert.deepEqual(readdirSync(join(dir, "partitions")), ["0", "1", "2"]);
  assert.deepEqual(readdirSync(dir).sort(), [
    ...["lock", "partitions", "statefold.json", "topics", "witness"],
  ]);
  await first.close();
  const second = await openDirectory(t, dir, { partitions: 3 });
  await second.openPartition(2);
});

test("closing twice is closing once, and closes the partitions", async (t) => {
  const directory = await openDirectory(t, tempDir(t));
  const store = await directory.openPartition(0);
  await Promise.all([directory.close(), directory.close()]);
  await assert.rejects(store.getMany([Buffer.from("D")]), /after it was closed/);
});

test("a folder with something else in it is refused and left alone", async (t) => {
  const dir = tempDir(t);
  writeFileSync(join(dir, "thesis.tex"), "");
  await assert.rejects(openDirectory(t, dir), {
    code: "STORE_FOREIGN",
    message: /not a data directory.*holds thesis.tex.*Choose an empty or a new one/,
  });
  writeFileSync(join(dir, "creating"), "");
  mkdirSync(join(dir, "partitions"));
  await assert.rejects(openDirectory(t, dir), { code: "STORE_CORRUPT" });
  assert.deepEqual(readdirSync(dir).sort(), ["creating", "partitions", "thesis.tex"]);
});

test("the root of a mounted file system counts as empty", async (t) => {
  const dir = tempDir(t);
  mkdirSync(join(dir, "lost+found"));
  await openDirectory(t, dir);
});

test("a path that is a file is refused by name", async (t) => {
  const path = join(tempDir(t), "file");
  writeFileSync(path, "");
  await assert.rejects(openDirectory(t, path), { code: "CONFIG_INVALID" });
});

test("another application's directory is refused", async (t) => {
  const dir = await directoryAt(t, 0);
  await assert.rejects(openDirectory(t, dir, { application: "other" }), {
    code: "STORE_FOREIGN",
    message: /belongs to the application "test", not to "other"/,
  });
});

test("another partition count is refused, and none too", async (t) => {
  const dir = await directoryAt(t, 0);
  await assert.rejects(openDirectory(t, dir, { partitions: 2 }), {
    code: "CONFIG_INVALID",
    message: /has 1 partitions, and 2 were asked for.*Ask for 1/,
  });
  await assert.rejects(openDirectory(t, dir, { partitions: 0 }), { code: "CONFIG_INVALID" });
});

test("a newer and an older format are refused, each with its advice", async (t) => {
  const dir = await directoryAt(t, 0);
  const path = join(dir, "statefold.json");
  const description = JSON.parse(readFileSync(path, "utf8"));
  for (const [formatVersion, advice] of [
    [2, /format 2.*newer/],
    [99, /format 99.*newer/],
  ] as const) {
    // Whatever else a newer version says, it says in its own way.
    writeFileSync(path, JSON.stringify({ formatVersion, sections: [] }));
    await assert.rejects(openDirectory(t, dir), { code: "STORE_FORMAT", message: advice });
  }
  writeFileSync(path, JSON.stringify({ ...description, formatVersion: 0.5 }));
  await assert.rejects(openDirectory(t, dir), { code: "STORE_CORRUPT" });
});

test("a damaged or missing description is named, never made anew", async (t) => {
  const dir = await directoryAt(t, 1);
  const path = join(dir, "statefold.json");
  for (const content of ["", "{", "null", "[]", '{"formatVersion":1}']) {
    writeFileSync(path, content);
    await assert.rejects(openDirectory(t, dir), {
      code: "STORE_CORRUPT",
      message: /statefold.json/,
    });
  }
  rmSync(path);
  await assert.rejects(openDirectory(t, dir), {
    code: "STORE_CORRUPT",
    message: /statefold.json is missing/,
  });
});

test("a directory whose making was cut off is made again", async (t) => {
  const dir = await directoryAt(t, 0);
  // As after a kill between two steps: marked as being made, and no description yet.
  writeFileSync(join(dir, "creating"), "");
  rmSync(join(dir, "statefold.json"));
  rmSync(join(dir, "witness"), { recursive: true });
  const directory = await openDirectory(t, dir);
  await directory.openPartition(0);
  assert(!existsSync(join(dir, "creating")));
});

test("a database that lost the end of its log is refused, until the loss is accepted", async (t) => {
  for (const damage of [
    (log: string, bytes: Buffer) => truncateSync(log, bytes.byteLength - 3),
    (log: string, bytes: Buffer) => {
      bytes[bytes.byteLength - 3] = (bytes[bytes.byteLength - 3] ?? 0) ^ 1;
      writeFileSync(log, bytes);
    },
    (log: string) => truncateSync(log, 0),
    (log: string) => rmSync(log),
  ]) {
    const dir = await directoryAt(t, 5);
    const log = fileIn(join(dir, "partitions", "0"), /\.log$/);
    damage(log, readFileSync(log));
    const directory = await openDirectory(t, dir);
    const refusal = {
      code: "STORE_BEHIND_WITNESS",
      message: /ends at epoch [04], but epoch 5 was|the log is missing/,
    };
    await assert.rejects(directory.openPartition(0), refusal);
    await assert.rejects(directory.openPartition(0), refusal, "and again");
    const untouched = await directory.openPartition(0, { acceptLoss: true });
    assert.equal(untouched.lostEpoch, 5);
    await untouched.close();
    await assert.rejects(directory.openPartition(0), refusal, "nothing was committed behind it");
    const store = await directory.openPartition(0, { acceptLoss: true });
    await store.commit([metaWrite(6)], 6);
    await store.close();
    assert.equal((await directory.openPartition(0)).lostEpoch, undefined);
  }
});

/** Commits that fill more than one block of the log: LevelDB leaves out the damaged block alone. */
async function directoryWithLongLog(t: TestContext): Promise<string> {
  const dir = join(tempDir(t), "data");
  const directory = await openDirectory(t, dir);
  const store = await directory.openPartition(0);
  for (let epoch = 1; epoch <= 6; epoch++) {
    const value = Buffer.alloc(20_000, epoch);
    await store.commit([{ key: deadKey(epoch), value }, metaWrite(epoch)], epoch);
  }
  await directory.close();
  return dir;
}

test("a commit damaged in the middle of the log is never left out in silence", async (t) => {
  for (const at of [25_000, 20_100, 32_768 * 2]) {
    const dir = await directoryWithLongLog(t);
    const database = join(dir, "partitions", "0");
    const log = fileIn(database, /\.log$/);
    const bytes = readFileSync(log);
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    writeFileSync(log, bytes);
    const directory = await openDirectory(t, dir);
    await assert.rejects(directory.openPartition(0), {
      code: "STORE_BEHIND_WITNESS",
      message: /\.log, byte \d+: .* written after it.*--accept-loss/,
    });
    assert.deepEqual(readFileSync(log), bytes, "what is refused is left as it was");
    const store = await directory.openPartition(0, { acceptLoss: true });
    assert.equal(store.lostEpoch, 6);
    const epochs = await store.getMany([1, 2, 3, 4, 5, 6].map((epoch) => deadKey(epoch)));
    const lost = epochs.indexOf(undefined);
    assert(lost > 0, "the commits before the damage are there");
    assert(
      epochs.slice(lost).every((value) => value === undefined),
      "and none behind it",
    );
    await store.commit([metaWrite(7)], 7);
    await directory.close();
    assert.deepEqual(readFileSync(`${log}.damaged`), bytes, "what was cut off is kept");
    const again = await openDirectory(t, dir);
    assert.equal((await again.openPartition(0)).lostEpoch, undefined);
  }
});

test("a hole of zeros in the log is damage, and zeros at its end are not", async (t) => {
  const dir = await directoryWithLongLog(t);
  const log = fileIn(join(dir, "partitions", "0"), /\.log$/);
  const bytes = readFileSync(log);
  writeFileSync(log, Buffer.concat([bytes, Buffer.alloc(40_000)]));
  await (await openDirectory(t, dir)).openPartition(0);
  const other = await directoryWithLongLog(t);
  bytes.fill(0, 32_768, 2 * 32_768);
  writeFileSync(fileIn(join(other, "partitions", "0"), /\.log$/), bytes);
  await assert.rejects((await openDirectory(t, other)).openPartition(0), {
    code: "STORE_BEHIND_WITNESS",
    message: /written after it/,
  });
});

test("a whole table of another database is refused in this place", async (t) => {
  const [dir, other] = [await directoryWithLongLog(t), await directoryWithLongLog(t)];
  const tables = [dir, other].map((each) => join(each, "partitions", "0"));
  for (const [i, each] of [dir, other].entries()) {
    const directory = await openDirectory(t, each);
    const store = await directory.openPartition(0); // the log becomes a table
    const value = Buffer.alloc(1000, i);
    await store.commit([{ key: deadKey(100 + i), value }, metaWrite(7)], 7);
    await directory.close();
    const again = await openDirectory(t, each);
    await again.openPartition(0);
    await again.close();
  }
  const newest = (folder: string) =>
    readdirSync(folder)
      .filter((name) => name.endsWith(".ldb"))
      .sort()
      .at(-1) ?? "";
  const [here = "", there = ""] = tables;
  const name = newest(here);
  assert.equal(newest(there), name);
  cpSync(join(there, name), join(here, name));
  await assert.rejects((await openDirectory(t, dir)).openPartition(0), {
    code: "STORE_CORRUPT",
    message: new RegExp(`the table .*${name} is damaged`),
  });
});

test("the database of another data directory is refused, whole or a file of it, also when it is newer", async (t) => {
  for (const part of ["", "OWNER", "log"]) {
    const [dir, other] = [await directoryAt(t, 3), await directoryAt(t, 9)];
    const [here, there] = [join(dir, "partitions", "0"), join(other, "partitions", "0")];
    const name =
      part === "log"
        ? (fileIn(there, /\.log$/)
            .split("/")
            .at(-1) ?? "")
        : part;
    rmSync(join(here, name), { recursive: true });
    cpSync(join(there, name), join(here, name), { recursive: true });
    const directory = await openDirectory(t, dir);
    const refusal =
      part === "log"
        ? { code: "STORE_CORRUPT", message: /the meta record .* fails its checksum/ }
        : { code: "STORE_FOREIGN", message: /of another data directory/ };
    for (const acceptLoss of [false, true]) {
      await assert.rejects(directory.openPartition(0, { acceptLoss }), refusal, `"${part}"`);
    }
  }
});

test("whose a database is stands in two places, and either may be accepted alone", async (t) => {
  const dir = await directoryAt(t, 3);
  const owner = join(dir, "partitions", "0", "OWNER");
  const name = readFileSync(owner, "utf8");
  for (const damage of [() => rmSync(owner), () => writeFileSync(owner, name.slice(1))]) {
    damage();
    const directory = await openDirectory(t, dir);
    await assert.rejects(directory.openPartition(0), {
      code: "STORE_CORRUPT",
      message: /OWNER is missing or damaged.*--accept-loss/,
    });
    await (await directory.openPartition(0, { acceptLoss: true })).close();
    assert.equal(readFileSync(owner, "utf8"), name);
    await (await directory.openPartition(0)).close();
    await directory.close();
  }
});

test("a database put back from an older copy is refused", async (t) => {
  const dir = await directoryAt(t, 2);
  const database = join(dir, "partitions", "0");
  cpSync(database, `${database}.copy`, { recursive: true });
  const directory = await openDirectory(t, dir);
  const store = await directory.openPartition(0);
  await store.commit([metaWrite(3)], 3);
  await directory.close();
  rmSync(database, { recursive: true });
  renameSync(`${database}.copy`, database);
  const again = await openDirectory(t, dir);
  await assert.rejects(again.openPartition(0), {
    code: "STORE_BEHIND_WITNESS",
    message: /ends at epoch 2, but epoch 3 was synced.*Restore a backup.*--accept-loss/,
  });
});

test("a missing database or witness is never taken for a new one", async (t) => {
  const dir = await directoryAt(t, 2);
  rmSync(join(dir, "witness", "0"));
  const directory = await openDirectory(t, dir);
  await assert.rejects(directory.openPartition(0), { code: "STORE_CORRUPT", message: /witness/ });
  const store = await directory.openPartition(0, { acceptLoss: true });
  assert.equal(store.lostEpoch, 3);
  await store.commit([metaWrite(4)], 4);
  await store.close();
  await (await directory.openPartition(0)).close();
  rmSync(join(dir, "partitions", "0"), { recursive: true });
  await assert.rejects(directory.openPartition(0), { code: "STORE_CORRUPT", message: /CURRENT/ });
  await assert.rejects(directory.openPartition(0, { acceptLoss: true }), { code: "STORE_CORRUPT" });
});

test("the database of another partition or application is refused in this place", async (t) => {
  const foreign = [
    { ...IDENTITY, partition: 1 },
    { ...IDENTITY, partitionCount: 2 },
    { ...IDENTITY, application: "other" },
  ];
  for (const identity of foreign) {
    const dir = await directoryAt(t, 0);
    const directory = await openDirectory(t, dir);
    const store = await directory.openPartition(0);
    await store.commit([metaWrite(1, identity)], 1);
    await store.close();
    await assert.rejects(directory.openPartition(0), {
      code: "STORE_FOREIGN",
      message: /where partition 0 of 1 of "test" belongs/,
    });
  }
});

test("a commit without the meta record of its epoch is a broken assumption", async (t) => {
  const directory = await openDirectory(t, tempDir(t));
  const store = await directory.openPartition(0);
  await assert.rejects(store.commit([], 1), /broken assumption: commit 1 without its meta/);
  await assert.rejects(store.commit([metaWrite(1)], 2), /broken assumption/);
});

test("this process cannot open a directory twice", async (t) => {
  const dir = tempDir(t);
  const directory = await openDirectory(t, dir);
  await assert.rejects(openDirectory(t, `${dir}/../${dir.split("/").at(-1)}`), {
    code: "STORE_LOCKED",
    message: /in use by this process itself/,
  });
  await directory.close();
  await openDirectory(t, dir);
});

test("a damaged lock folder does not hinder", async (t) => {
  const dir = await directoryAt(t, 0);
  const lock = join(dir, "lock");
  writeFileSync(fileIn(lock, /^MANIFEST/), "garbage");
  await (await openDirectory(t, dir)).close();
  writeFileSync(join(lock, "CURRENT"), "garbage");
  writeFileSync(join(lock, "holder.json"), "garbage");
  await openDirectory(t, dir);
});

function hold(t: TestContext, dir: string, epochs = 0, ready = /holding/): Promise<Script> {
  const script = new URL("./scripts/hold.js", import.meta.url);
  return startScript(t, { script, args: [dir, String(epochs)], ready });
}

test("a directory held by another process is refused with the holder's name", async (t) => {
  const dir = tempDir(t);
  const holder = await hold(t, dir);
  await assert.rejects(openDirectory(t, dir), (error: Error & { code?: string }) => {
    assert.equal(error.code, "STORE_LOCKED");
    assert.match(error.message, new RegExp(`in use by process ${holder.pid} on .* \\(hold.js\\)`));
    assert.match(error.message, /since 20\d\d-/);
    return true;
  });
  // Being refused must not have taken anything from the holder.
  await assert.rejects(openDirectory(t, dir), { code: "STORE_LOCKED" });
});

test("what a killed holder leaves hinders nobody, and every commit it finished is there", async (t) => {
  const dir = tempDir(t);
  const holder = await hold(t, dir, 50);
  await holder.kill();
  assert.match(readFileSync(join(dir, "lock", "holder.json"), "utf8"), /hold.js/);
  const directory = await openDirectory(t, dir);
  const store: Store = await directory.openPartition(0);
  assert.deepEqual(await store.getMany([metaWrite(50).key]), [
    Buffer.from(metaWrite(50).value ?? []),
  ]);
});

test("after a kill -9 the witness still knows the last commit", async (t) => {
  const dir = tempDir(t);
  const holder = await hold(t, dir, 7);
  await holder.kill();
  const log = fileIn(join(dir, "partitions", "0"), /\.log$/);
  truncateSync(log, readFileSync(log).byteLength - 1);
  const directory = await openDirectory(t, dir);
  await assert.rejects(directory.openPartition(0), {
    code: "STORE_BEHIND_WITNESS",
    message: /ends at epoch 6, but epoch 7/,
  });
});

test("of processes that race for a new directory one wins", async (t) => {
  const dir = tempDir(t);
  const racers = await Promise.all(
    [1, 2, 3].map(() => hold(t, dir, 0, /holding|refused: .*STORE_LOCKED|refused: .*in use by/)),
  );
  const winners = racers.filter((racer) => racer.output.includes("holding"));
  assert.equal(winners.length, 1, racers.map((racer) => racer.output).join());
});

test("who only looks is refused with the holder's name, and takes nothing from the holder", async (t) => {
  const dir = tempDir(t);
  const holder = await hold(t, dir);
  const look = () => borrowLock(join(dir, "lock"));
  await assert.rejects(look(), {
    code: "STORE_LOCKED",
    message: new RegExp(`in use by process ${holder.pid} `),
  });
  await assert.rejects(openDirectory(t, dir), { code: "STORE_LOCKED" });
  await holder.kill();
  const lock = await look();
  const refused = await hold(t, dir, 0, /refused: .*in use by/);
  assert.doesNotMatch(refused.output, /holding/);
  await lock?.release();
  await openDirectory(t, dir);
});

test("what fills a new directory fills it whole, or nothing was made", async (t) => {
  const dir = tempDir(t);
  const options = { dir, application: "app", partitions: 2 };
  const key = keyOf("meta");
  const put = async (made: DataDirectory, partition: number): Promise<void> => {
    const store = await made.openPartition(partition);
    const { application, partitions: partitionCount } = made.description;
    const meta = encodeMeta({ ...META, application, partition, partitionCount, epoch: 7 });
    await store.commit([{ key, value: meta }], 7);
    await store.close();
  };
  const failing = DataDirectory.open({
    ...options,
    fill: async (made) => {
      await put(made, 0);
      throw new Error("the process dies");
    },
  });
  await assert.rejects(failing, /dies/);
  const filled = await DataDirectory.open({
    ...options,
    fill: async (made) => {
      for (const partition of [0, 1]) await put(made, partition);
    },
  });
  assert.equal(filled.isNew, true);
  await filled.close();
  const again = await DataDirectory.open({ ...options, fill: () => assert.fail("it is made") });
  for (const partition of [0, 1]) {
    const store = await again.openPartition(partition);
    const [meta] = await store.getMany([key]);
    assert(meta !== undefined);
    assert.equal(decodeMeta(meta).epoch, 7);
    await store.close();
  }
  await again.close();
});
