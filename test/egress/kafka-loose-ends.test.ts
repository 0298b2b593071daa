import assert from "node:assert/strict";
import { test } from "node:test";
import { all, found, publishAll, range, records, world } from "./kafka-stage.ts";

const everything = () => true;

test("what a transaction left open is not committed by the next, though a broker forgot its abort", async () => {
  const made = world();
  const first = made.process("one");
  await publishAll(first.out, records(1, 6));
  // The process and the broker die before the commit is asked for.
  made.trouble = (request) => (request === "endTransaction" ? { kind: "lost" } : undefined);
  await assert.rejects(first.out.publish(records(6, 11)));
  made.trouble = undefined;
  made.broker.restart(everything);
  assert.equal(made.broker.forgotten, 1);

  const second = made.process("two", { next: 11 });
  await publishAll(second.out, records(6, 16));
  assert.deepEqual(all(await found(made, "a")), range(1, 16));
  assert.equal(second.forgotten, 1);
});

test("a place that comes later is cleaned as well, also by a process after the next", async () => {
  const made = world();
  const first = made.process("one");
  await publishAll(first.out, records(1, 3, "b"));
  made.trouble = (request) => (request === "endTransaction" ? { kind: "lost" } : undefined);
  await assert.rejects(first.out.publish([...records(3, 6, "b"), ...records(6, 11)]));
  made.trouble = undefined;
  made.broker.restart(everything);

  const second = made.process("two", { next: 11 });
  await publishAll(second.out, records(3, 6, "b"));
  const third = made.process("three", { next: 11 });
  await publishAll(third.out, records(6, 11));
  assert.deepEqual(all(await found(made, "a")), range(6, 11));
  assert.deepEqual(all(await found(made, "b")), range(1, 6));
});

test("a commit that was answered counts once it can be read, and is made again when the broker forgot it", async () => {
  const made = world();
  const { out } = made.process("one");
  await publishAll(out, records(1, 6));
  const publishing = out.publish(records(6, 11));
  await untilCommitted(made);
  made.broker.restart(everything);
  assert.equal(made.broker.forgotten, 1);
  await assert.rejects(publishing);
  // Another process would do the same.
  await publishAll(out, records(6, 16));
  assert.deepEqual(all(await found(made, "a")), range(1, 16));
});

for (const how of ["its process goes on", "another comes"]) {
  const after = (made: ReturnType<typeof world>, first: ReturnType<typeof made.process>) =>
    how === "another comes" ? made.process("two", { next: 11 }) : first;

  test(`a commit that is written where the records are, and not for the marker, is one: ${how}`, async () => {
    const made = world();
    const first = made.process("one");
    await publishAll(first.out, records(1, 6));
    const publishing = first.out.publish(records(6, 11));
    await untilCommitted(made);
    made.broker.restart(everything, everything);
    assert.equal(made.broker.forgotten, 1);
    await assert.rejects(publishing);
    const second = after(made, first);
    await publishAll(second.out, records(6, 16));
    assert.deepEqual(all(await found(made, "a")), range(1, 16));
    assert.equal(second.forgotten, 1);
  });

  test(`a commit that is written in one place alone is one: ${how}`, async () => {
    const made = world();
    const first = made.process("one");
    await publishAll(first.out, records(1, 6));
    const publishing = first.out.publish(records(6, 11));
    await untilCommitted(made);
    made.broker.restart(everything, ({ partition }) => partition === 1);
    await assert.rejects(publishing);
    await publishAll(after(made, first).out, records(6, 16));
    assert.deepEqual(all(await found(made, "a")), range(1, 16));
  });

  test(`whatever interrupts the mending of a commit, it is one: ${how}`, async () => {
    for (const request of ["addOffsets", "commitOffsets", "endTransaction", "groupOffsets"]) {
      for (const kind of ["lost", "answerLost", "restart", "restart, written"]) {
        const made = world();
        let process = made.process("one");
        await publishAll(process.out, records(1, 6));
        const publishing = process.out.publish(records(6, 11));
        await untilCommitted(made);
        made.broker.restart(everything, everything);
        await assert.rejects(publishing);
        for (let times = 0; times < 3; times++) {
          if (how === "another comes") process = made.process(`p${times}`, { next: 11 });
          made.trouble = (asked) => {
            if (asked !== request) return undefined;
            if (kind === "lost" || kind === "answerLost") return { kind };
            const isWritten = kind === "restart, written";
            made.broker.restart(everything, () => isWritten);
            return { kind: "answerLost" };
          };
          const fencing = process.out.fence();
          if (times === 0) await assert.rejects(fencing);
          else await fencing.catch(() => {});
          made.trouble = undefined;
        }
        if (how === "another comes") process = made.process("last", { next: 11 });
        await publishAll(process.out, records(6, 16));
        assert.deepEqual(all(await found(made, "a")), range(1, 16), `${request} ${kind}`);
      }
    }
  });
}

test("the very first commit may be written where the records are, and not for the marker", async () => {
  const made = world();
  const first = made.process("one");
  const publishing = first.out.publish(records(1, 6));
  await untilCommitted(made);
  made.broker.restart(everything, everything);
  await assert.rejects(publishing);
  await publishAll(made.process("two", { next: 6 }).out, records(1, 11));
  assert.deepEqual(all(await found(made, "a")), range(1, 11));
});

test("what a later transaction left open is not taken for the one that was committed", async () => {
  const made = world();
  const first = made.process("one");
  await publishAll(first.out, records(1, 6));
  made.trouble = (request) => (request === "commitOffsets" ? { kind: "answerLost" } : undefined);
  await assert.rejects(first.out.publish(records(6, 11)));
  made.trouble = undefined;
  made.broker.restart(everything);
  await publishAll(made.process("two", { next: 11 }).out, records(6, 16));
  assert.deepEqual(all(await found(made, "a")), range(1, 16));
});

test("a commit without answer counts as none when the broker forgot it", async () => {
  const made = world();
  const { out } = made.process("one");
  await publishAll(out, records(1, 6));
  made.trouble = (request) => (request === "endTransaction" ? { kind: "answerLost" } : undefined);
  await assert.rejects(out.publish(records(6, 11)));
  made.trouble = undefined;
  made.broker.restart(everything);
  await publishAll(out, records(6, 16));
  assert.deepEqual(all(await found(made, "a")), range(1, 16));
});

test("the very first transaction may be the one that was forgotten", async () => {
  const made = world();
  made.trouble = (request) => (request === "endTransaction" ? { kind: "lost" } : undefined);
  await assert.rejects(made.process("one").out.publish(records(1, 6)));
  made.trouble = undefined;
  made.broker.restart(everything);
  await publishAll(made.process("two", { next: 6 }).out, records(1, 11));
  assert.deepEqual(all(await found(made, "a")), range(1, 11));
});

/** Its next commit is answered. */
async function untilCommitted(made: ReturnType<typeof world>): Promise<void> {
  let hasEnded = false;
  let isAsked = false;
  made.trouble = (request) => {
    if (request === "endTransaction") hasEnded = true;
    if (request === "groupOffsets" && hasEnded) isAsked = true;
    return undefined;
  };
  while (!isAsked) await made.clock.sleep(1);
  made.trouble = undefined;
}
