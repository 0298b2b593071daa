import assert from "node:assert/strict";
import { test } from "node:test";
import { StatefoldError } from "../../src/base/errors.ts";
import { insist, PATIENCE, type Patience } from "../../src/blob/patience.ts";
import { unavailable } from "../support/blob/fake.ts";

/** Time that passes only in waits and in attempts. */
function patience(options: Partial<Patience> = {}): Patience & { readonly waits: number[] } {
  const waits: number[] = [];
  let nowMs = 0;
  const wait = async (delayMs: number): Promise<void> => {
    waits.push(delayMs);
    nowMs += delayMs;
  };
  return { ...PATIENCE, random: () => 1, now: () => nowMs, wait, ...options, waits };
}

const failing = async (): Promise<never> => {
  throw unavailable("down");
};

test("what may pass is tried as often as attempts says, after pauses from initialMs to maxMs", async () => {
  const options = patience();
  await assert.rejects(insist(options, undefined, failing), /down/);
  assert.equal(options.waits.length, PATIENCE.attempts - 1);
  assert.deepEqual(options.waits, [200, 400, 800, 1_600, 3_200, 6_400, 10_000]);
});

test("no attempt begins after giveUpMs", async () => {
  const options = patience({ attempts: 1_000 });
  await assert.rejects(insist(options, undefined, failing), /down/);
  const waitedMs = options.waits.reduce((sum, each) => sum + each, 0);
  assert(waitedMs <= PATIENCE.giveUpMs && waitedMs > PATIENCE.giveUpMs - PATIENCE.maxMs);
});

test("what succeeds in the end has succeeded, and each failure before was told", async () => {
  const told: string[] = [];
  const options = patience({ onRetry: ({ message }) => told.push(message) });
  let tries = 0;
  const attempt = async (): Promise<number> => {
    if (++tries < 3) throw unavailable(`try ${tries}`);
    return tries;
  };
  assert.equal(await insist(options, undefined, attempt), 3);
  assert.deepEqual(told, ["try 1", "try 2"]);
});

test("what does not pass is tried once", async () => {
  const options = patience();
  for (const failure of [new StatefoldError("BLOB_REFUSED", "no"), new Error("a mistake")]) {
    let tries = 0;
    const attempt = async (): Promise<never> => {
      tries++;
      throw failure;
    };
    await assert.rejects(insist(options, undefined, attempt), failure);
    assert.equal(tries, 1);
  }
});

test("an aborted signal ends a pause, and what was to follow", async () => {
  const aborting = new AbortController();
  const reason = new Error("enough");
  const options = {
    ...PATIENCE,
    initialMs: 60_000,
    maxMs: 60_000,
    onRetry: () => aborting.abort(reason),
  };
  await assert.rejects(insist({ ...options, giveUpMs: 1e9 }, aborting.signal, failing), reason);
  await assert.rejects(insist(options, aborting.signal, failing), reason);
});
