import assert from "node:assert/strict";
import { test } from "node:test";
import { Mailbox } from "../../src/partition/mailbox.ts";
import { Rests } from "../../src/partition/rests.ts";

const newMailbox = (id: string): Mailbox => new Mailbox({ type: "test/fn", id }, id, 10);

function wake(rests: Rests, nowMs: number): string[] {
  const over: string[] = [];
  rests.wake(
    nowMs,
    () => 100,
    (mailbox) => {
      mailbox.phase = { kind: "ready" };
      over.push(mailbox.key);
    },
  );
  return over;
}

test("who has rested goes on, the first first", () => {
  const rests = new Rests();
  rests.begin(newMailbox("b"), 1_020);
  rests.begin(newMailbox("a"), 1_010);
  assert.equal(rests.wakeAtMs, 1_010);
  assert.deepEqual(wake(rests, 1_009), []);
  assert.deepEqual(wake(rests, 1_020), ["a", "b"]);
  assert.equal(rests.wakeAtMs, undefined);
});

test("a rest that was ended before, or that is another by now, is not ended again", () => {
  const rests = new Rests();
  const [a, b] = [newMailbox("a"), newMailbox("b")];
  rests.begin(a, 1_010);
  a.phase = { kind: "ready" };
  rests.begin(b, 1_010);
  rests.begin(b, 1_050);
  assert.deepEqual(wake(rests, 1_010), []);
  assert.deepEqual(wake(rests, 1_050), ["b"]);
});

test("when the clock goes back nobody rests for longer than he may, whoever rests before him", () => {
  const rests = new Rests();
  rests.begin(newMailbox("long"), 500_000);
  rests.begin(newMailbox("longer"), 500_050);
  assert.deepEqual(wake(rests, 499_900), []);
  rests.begin(newMailbox("short"), 1_010);
  assert.deepEqual(wake(rests, 1_000), ["long", "longer"]);
  assert.equal(rests.wakeAtMs, 1_010);
});
