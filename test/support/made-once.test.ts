import assert from "node:assert/strict";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type TestContext, test } from "node:test";
import { atEnd } from "./cleanup.ts";
import { madeOnce } from "./made-once.ts";
import { tempDir } from "./temp.ts";

/** Makes a folder with one file, and counts how often; the folders go with the test. */
function maker(t: TestContext) {
  const source = join(tempDir(t), "source.txt");
  writeFileSync(source, `${t.name} ${process.pid}`);
  const made: string[] = [];
  const make = async (word = "") => {
    const sources = { files: [source], words: [word] };
    const folder = await madeOnce("test", sources, async (draft) => {
      made.push(draft);
      writeFileSync(join(draft, "thing.txt"), `thing ${made.length}`);
    });
    atEnd(t, () => rmSync(folder, { recursive: true, force: true }));
    return folder;
  };
  return { source, made, make };
}

test("what was made is there the next time", async (t) => {
  const { made, make } = maker(t);
  const folder = await make();
  assert.equal(await make(), folder);
  assert.equal(readFileSync(join(folder, "thing.txt"), "utf8"), "thing 1");
  assert.equal(made.length, 1);
});

test("it is made anew when what it is made from has changed", async (t) => {
  const { source, made, make } = maker(t);
  const folders = [await make(), await make("other")];
  writeFileSync(source, `${t.name} ${process.pid}, changed`);
  folders.push(await make());
  assert.equal(new Set(folders).size, 3);
  assert.equal(made.length, 3);
});

test("of two who make it at once one is taken, and no draft is left", async (t) => {
  const { made, make } = maker(t);
  const [one, other] = await Promise.all([make(), make()]);
  assert.equal(one, other);
  assert.equal(made.length, 2);
  assert.deepEqual(
    made.filter((draft) => existsSync(draft)),
    [],
  );
});

test("when making it fails there is none", async (t) => {
  const { source } = maker(t);
  let place = "";
  const failing = madeOnce("test", { files: [source] }, async (draft) => {
    place = draft;
    throw new Error("no network");
  });
  await assert.rejects(failing, /no network/);
  assert(!existsSync(place));
  assert(existsSync(dirname(place)));
});
