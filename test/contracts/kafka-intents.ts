import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { fromUtf8, utf8 } from "../../src/base/bytes.ts";
import type { Intents } from "../../src/egress/kafka-intent.ts";

/** @param open as a process does on the data of the one before it */
export function intentsContract(
  name: string,
  make: (t: TestContext) => Promise<{ open(): Intents }>,
): void {
  const textOf = async (of: Intents, way: string) => {
    const note = await of.read(way);
    return note === undefined ? undefined : fromUtf8(note);
  };

  test(`${name}: the last note of each way is there, also for the next process`, async (t) => {
    const { open } = await make(t);
    const first = open();
    assert.equal(await first.read("app/out/0"), undefined);
    await first.write("app/out/0", utf8("one\n"));
    await first.write("app/out/1", utf8("other\n"));
    await first.write("app/out/0", utf8("two\n"));
    for (const intents of [first, open()]) {
      assert.equal(await textOf(intents, "app/out/0"), "two\n");
      assert.equal(await textOf(intents, "app/out/1"), "other\n");
      assert.equal(await textOf(intents, "app/out"), undefined);
    }
  });

  test(`${name}: a note stands at the beginning, whatever a longer one has left behind it`, async (t) => {
    const { open } = await make(t);
    await open().write("way", utf8(`${"long".repeat(5_000)}\n`));
    await open().write("way", utf8("short\n"));
    assert.match((await textOf(open(), "way")) ?? "", /^short\n/);
  });
}
