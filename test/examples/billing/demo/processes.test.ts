import assert from "node:assert/strict";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { Service } from "../../../../examples/billing/demo/processes.ts";
import { tempDir } from "../../../support/temp.ts";

/** A program of one line, which is ready when it is asked so. */
function service(t: TestContext, program: string, ready: () => Promise<boolean>) {
  const failures: string[] = [];
  const made = new Service({
    ...{ name: "thing", command: [process.execPath, "-e", program], ready },
    logFile: join(tempDir(t), "thing.log"),
    onFailure: ({ message }) => failures.push(message),
  });
  t.after(() => made.abandon());
  return { made, failures };
}

const never = () => new Promise<boolean>(() => {});

test("a process that ends instead of being ready is reported at once, with its last words", async (t) => {
  const { made, failures } = service(t, "console.log('no such port'); process.exit(3)", never);
  const said = "the thing ended with 3; its last words:\nno such port";
  await assert.rejects(made.start(), { message: said });
  assert.deepEqual(failures, [said]);
  assert.equal(made.state, "ended");
});

test("a process that is killed on purpose has not failed, and starts again", async (t) => {
  const { made, failures } = service(t, "setInterval(() => {}, 1000)", async () => true);
  await made.start();
  await made.kill();
  assert.equal(made.state, "killed");
  await made.start();
  assert.equal(made.state, "up");
  assert.deepEqual([made.kills, failures], [1, []]);
});

test("who gives up on a process that is starting does not wait for it", async (t) => {
  const { made, failures } = service(t, "setInterval(() => {}, 1000)", never);
  const starting = made.start();
  made.abandon();
  await starting;
  assert.deepEqual([made.state, failures], ["ended", []]);
});
