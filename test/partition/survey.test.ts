import assert from "node:assert/strict";
import { test } from "node:test";
import { CALL_TYPE } from "../../src/model/owner.ts";
import { mailKey, readMailKey } from "../../src/partition/mailboxes.ts";
import type { Entry, ScanRange } from "../../src/store/contract.ts";
import { TAGS } from "../../src/store/keys.ts";
import { encodeMessage } from "../../src/store/records/message.ts";
import {
  at,
  binding,
  Harness,
  type HarnessOptions,
  message,
  TYPE,
  textOf,
  value,
} from "./harness.ts";

const ids = ["a", "b", "c", "d", "e", "f"];

/** A partition that has just opened, on two messages for each of these ids. It has read nothing of them. */
async function opened(options: HarnessOptions = {}, of = ids): Promise<Harness> {
  const it = await Harness.open(options);
  it.settle(...of.flatMap((id) => [it.send(at(id), `${id}1`), it.send(at(id), `${id}2`)]));
  return await again(it, options);
}

/** Another life, that has opened and read nothing yet. */
async function again(it: Harness, options: HarnessOptions): Promise<Harness> {
  const next = await Harness.opening({ ...options, disk: it.disk });
  next.turn();
  next.completeCommit();
  return next;
}

/** The ranges of mail in the outstanding read. */
const rangesOf = (it: Harness): readonly ScanRange[] =>
  it.read?.ranges.filter(({ from }) => from[0] === TAGS.mail) ?? [];

/** The messages that the next step of the survey counts. */
const stepOf = (it: Harness): readonly Entry[] => {
  const [range] = rangesOf(it).filter(({ until }) => until.byteLength === 1);
  assert(range !== undefined, "nothing is surveyed");
  return it.disk.list(range);
};

const nextOf = (it: Harness): Uint8Array => stepOf(it)[0]?.key ?? new Uint8Array();

/** Handles everything, and returns what was handled, by id. */
function handled(it: Harness): Map<string, readonly string[]> {
  const all = new Map<string, readonly string[]>();
  for (it.settle(); it.batch !== undefined; it.settle()) {
    const { target, messages } = it.reply().invocation;
    const own = all.get(target.id) ?? [];
    all.set(target.id, [...own, ...messages.map((each) => textOf(each.value))]);
  }
  return all;
}

const waits = (it: Harness) => it.partition.mailboxes.uncounted;

test("a step counts surveyMessages, and the next one follows at once", async () => {
  const it = await opened({ limits: { surveyMessages: 5 } });
  const steps: number[] = [];
  for (; waits(it) > 0; it.answerRead()) steps.push(stepOf(it).length);
  assert.deepEqual(steps, [5, 5, 2]);
  assert.equal([...handled(it).values()].flat().length, 12);
});

test("a step reads SURVEY_BYTES, and all searches together no more", async () => {
  const it = await Harness.open();
  const long = { bytes: 2 ** 20 };
  it.settle(...["a", "b", "c", "d", "e", "f"].map((id) => it.send(at(id), id, long)));
  const next = await again(it, {});
  assert.equal(stepOf(next).length, 4);
  const [step] = rangesOf(next);
  next.turn(next.send(at("f"), "new"));
  next.answerRead();
  const most = (step?.maxBytes ?? 0) / 64;
  assert.equal(rangesOf(next).filter(({ maxBytes }) => maxBytes === most).length, 1);
});

test("the mail of SEARCHES addresses is looked for at once", async () => {
  const many = Array.from({ length: 70 }, (_, i) => `id-${i}`);
  const it = await opened({ limits: { surveyMessages: 1 } }, many);
  it.turn(...many.map((id) => it.send(at(id), "new")));
  it.answerRead();
  assert.equal(rangesOf(it).length, 64 + 1);
  for (const [id, texts] of handled(it)) {
    assert.deepEqual(texts, [`${id}1`, `${id}2`, "new"]);
  }
});

test("others are served while the survey goes on", async () => {
  const it = await opened({ limits: { surveyMessages: 1 } });
  it.turn(it.call(at("z"), "now"));
  while (it.batch === undefined) it.answerRead();
  assert.deepEqual([it.batch, waits(it) > 0], [["now"], true]);
});

test("older mail of an address is found in front of what comes before the survey is there", async () => {
  const it = await opened({ limits: { surveyMessages: 1 } });
  it.turn(it.send(at("f"), "f3"));
  it.completeCommit(); // it is on disk alone meanwhile
  it.answerRead(); // a1
  it.answerRead(); // a2, f1
  assert.equal(it.partition.mailboxes.countOf(at("f")), undefined);
  assert.deepEqual(handled(it).get("f"), ["f1", "f2", "f3"]);
});

test("what was found first, handled and deleted does not come again with a step that was read before", async () => {
  const it = await opened({ limits: { surveyMessages: 1 } }, [...ids, "g"]);
  it.turn(it.send(at("f"), "f3"));
  it.completeCommit();
  const isCalled = () => it.started.some(({ invocation }) => invocation.target.id === "f");
  while (!isCalled()) it.answerRead();
  it.reply({}, "f");
  while (readMailKey(nextOf(it)).address.id !== "f") it.answerRead();
  const stale = it.look();
  it.completeCommit();
  it.answerRead(stale);
  assert.equal(it.partition.mailboxes.countOf(at("f")), 0);
  assert.deepEqual([...handled(it).keys()], ["a", "b", "c", "d", "e", "g"]);
});

test("an address that the survey stands at is not served before all of its mail is known", async () => {
  const it = await opened({ limits: { surveyMessages: 3 } }, ["a", "b"]);
  it.answerRead(); // a1, a2, b1
  assert.deepEqual([it.partition.mailboxes.countOf(at("a")), waits(it)], [2, 1]);
  assert.equal(it.partition.mailboxes.countOf(at("b")), undefined);
  it.turn(it.send(at("b"), "b3"));
  assert.deepEqual(Object.fromEntries(handled(it)), {
    ...{ a: ["a1", "a2"], b: ["b1", "b2", "b3"] },
  });
});

test("mail with a later sequence is not taken for mail of before", async () => {
  const it = await opened({ limits: { surveyMessages: 1 } }, ["a", "b", "z"]);
  it.turn(it.send(at("c"), "new"));
  it.completeCommit(); // where the survey comes by
  it.settle();
  assert.equal(it.partition.mailboxes.countOf(at("c")), 1);
  assert.equal(handled(it).get("z")?.length, 2);
});

test("a person's decision about a parked address waits for its mail", async () => {
  const it = await Harness.open();
  it.settle(...ids.map((id) => it.send(at(id), id)));
  it.fail("f");
  it.settle(it.send(at("f"), "f2"), it.send(at("f"), "f3"));
  const next = await again(it, { limits: { surveyMessages: 1 } });
  const purge = { kind: "purgeParked", address: at("f") } as const;
  next.turn(next.operator(purge), next.operator(purge));
  for (let reads = 0; reads < 4; reads++) next.answerRead();
  assert(waits(next) > 0);
  next.settle();
  const answers = next.take("operated").map(({ found, messages }) => [found, messages]);
  const refused = next.take("refused").map(({ code }) => code);
  assert.deepEqual([answers, refused], [[[`${TYPE}/f`, 3]], ["OVERLOADED"]]);
  assert.deepEqual([...handled(next).keys()], ["a", "b", "c", "d", "e"]);
});

test("until it is counted, mail of parked addresses counts as unfinished", async () => {
  const it = await Harness.open();
  it.settle(it.send(at("a"), "a"), it.send(at("f"), "f"));
  it.fail("f");
  it.settle();
  const next = await again(it, {});
  assert.deepEqual([next.partition.unfinished, waits(next)], [2, 2]);
  next.settle();
  assert.deepEqual([next.partition.unfinished, waits(next)], [1, 0]);
});

test("a message of the survey that cannot be read ends the partition", async () => {
  const it = await Harness.open();
  it.settle(...ids.map((id) => it.send(at(id), id)));
  const [{ key } = { key: new Uint8Array() }] = it.stored("mail").slice(-1);
  it.disk.apply([{ key, value: Buffer.of(0xff, 0xff) }], it.disk.epoch);
  const next = await again(it, { limits: { surveyMessages: 3 } });
  next.answerRead();
  assert.throws(() => next.settle());
});

test("books that say less than there is, or more, do not stop the survey", async () => {
  const it = await Harness.open();
  it.settle(it.send(at("a"), "a"), it.send(at("b"), "b"));
  const stray = { ...message("x", at("c")) };
  it.disk.apply([{ key: mailKey(at("c"), 2), value: encodeMessage(stray) }], it.disk.epoch);
  const more = await again(it, { limits: { surveyMessages: 1 } });
  more.settle();
  assert.deepEqual([waits(more), more.started.length], [0, 2]);
  it.disk.apply([{ key: mailKey(at("a"), 1), value: undefined }], it.disk.epoch);
  const less = await again(it, { limits: { surveyMessages: 1 } });
  less.settle();
  assert.equal(waits(less), 0);
});

test("a reply that waits in the store is given before one that comes later", async () => {
  // The survey comes to what is below before it comes to the call.
  const FIRST = "a/first";
  const options = { functions: { [TYPE]: binding(), [FIRST]: binding() } };
  const it = await Harness.open(options);
  const call = it.call(at("a"), "hello", "key");
  it.settle(call);
  const target = it.started[0]?.invocation.messages[0]?.caller;
  assert(target?.type === CALL_TYPE);
  it.turn({ kind: "hangUp", request: call.request, keep: true });
  it.settle(...ids.map((id) => it.send(at(id, FIRST), "reply to it, again")));
  it.turn();
  it.started.splice(1);
  it.reply({ messages: [{ target, value: value("first") }] });
  it.completeCommit(); // with the reply as mail
  assert.equal(it.stored("mail").length, 1 + ids.length);
  const next = await again(it, { ...options, limits: { surveyMessages: 1 } });
  const fetch = next.fetch(target.id);
  next.turn(fetch);
  while (next.batch === undefined) next.answerRead();
  assert.equal(next.partition.mailboxes.countOf(target), undefined);
  next.reply({ messages: [{ target, value: value("second") }] });
  next.settle();
  const replies = next.take("replied").map((each) => textOf(each.value));
  assert.deepEqual([replies, next.partition.calls.dropped], [["first"], 1]);
});
