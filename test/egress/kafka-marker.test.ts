import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeMarker, findMarker } from "../../src/egress/kafka-marker.ts";
import { all, code, found, publishAll, range, records, world } from "./kafka-stage.ts";

test("a marker comes back as it was written, and its note is short", () => {
  const refused = Array.from({ length: 11_999 }, (_, i) => i + 3).filter((n) => n % 7 !== 0);
  const marker = {
    ...{ next: 12_002, at: { topic: "t", partition: 3 }, refused },
    owner: { data: "d1", process: "p1" },
  };
  const offset = encodeMarker(marker);
  assert.deepEqual(findMarker([offset]), marker);
  assert.ok(offset.note.length < 2_100, `${offset.note.length}`);
  const none = { ...marker, refused: [] };
  assert.equal(encodeMarker(none).note, "1 d1.p1 ");
  assert.deepEqual(findMarker([encodeMarker(none)]), none);
  const old = encodeMarker({ ...marker, refused: [1, 2, ...refused] });
  assert.deepEqual(findMarker([old])?.refused, [2, ...refused], "so far back and no further");
});

test("of several offsets the highest is the marker, and one that a person wrote is nobody's", () => {
  const at = { topic: "t", partition: 0 };
  const found = findMarker([
    { ...at, offset: 7, note: "1 d.p " },
    { ...at, partition: 1, offset: 9, note: "" },
  ]);
  const owner = { data: "", process: "" };
  assert.deepEqual(found, { next: 9, at: { topic: "t", partition: 1 }, owner, refused: [] });
  assert.equal(findMarker([]), undefined);
});

test("a first transaction that was aborted leaves no marker, and is published again", async () => {
  const stage = world();
  const { out, client } = stage.process("one");
  stage.trouble = (request) => (request === "endTransaction" ? { kind: "lost" } : undefined);
  await assert.rejects(out.publish(records(1, 4)));
  stage.trouble = undefined;
  stage.clock.nowMs += 70_000;
  await client.leaders("a");
  await publishAll(out, records(1, 4));
  assert.deepEqual(all(await found(stage, "a")), range(1, 4));
});

test("a marker that was there and went with a commit in the air is an error", async () => {
  const stage = world();
  const { out } = stage.process("one");
  await out.publish(records(1, 4));
  stage.trouble = (request) => (request === "endTransaction" ? { kind: "lost" } : undefined);
  await assert.rejects(out.publish(records(4, 6)));
  stage.trouble = undefined;
  stage.broker.expireOffsets("app/out/0");
  await assert.rejects(out.publish(records(4, 6)), code("KAFKA_MARKER_LOST"));
});

test("a marker that the broker has forgotten is an error, and nothing is published", async () => {
  const stage = world();
  await stage.process("one").out.publish(records(1, 4));
  await found(stage, "a");
  stage.broker.expireOffsets("app/out/0");
  const again = stage.process("two", { next: 6 }).out;
  await assert.rejects(again.publish(records(4, 6)), code("KAFKA_MARKER_LOST"));
  assert.deepEqual(all(await found(stage, "a")), range(1, 4));
});

test("a forgotten marker is no trouble when all that was given before is known to be done", async () => {
  const stage = world();
  await stage.process("one").out.publish(records(1, 4));
  await found(stage, "a");
  stage.broker.expireOffsets("app/out/0");
  await stage.process("two", { next: 4 }).out.publish(records(4, 6));
  assert.deepEqual(all(await found(stage, "a")), range(1, 6));
});

test("with a loss accepted what waits is published although the marker is gone", async () => {
  const stage = world();
  await stage.process("one").out.publish(records(1, 4));
  await found(stage, "a");
  stage.broker.expireOffsets("app/out/0");
  await stage.process("two", { next: 6, acceptLoss: true }).out.publish(records(3, 6));
  assert.deepEqual(all(await found(stage, "a")), [1, 2, 3, 3, 4, 5]);
});

test("a marker that goes while the process lives is put back from memory", async () => {
  const stage = world();
  const { out, client } = stage.process("one");
  await out.publish(records(1, 4));
  await found(stage, "a");
  stage.broker.expireOffsets("app/out/0");
  stage.trouble = (request) => (request === "addOffsets" ? { kind: "lost" } : undefined);
  await assert.rejects(out.publish(records(4, 6)));
  stage.trouble = undefined;
  await client.leaders("a");
  await out.publish(records(2, 6));
  await publishAll(out, records(4, 6));
  assert.deepEqual(all(await found(stage, "a")), range(1, 6));
});

test("a marker that is ahead of the data is an error: the data is an older copy", async () => {
  const stage = world();
  await stage.process("one").out.publish(records(1, 9));
  const { out } = stage.process("two", { next: 5 });
  await assert.rejects(out.fence(), code("KAFKA_MARKER_AHEAD"));
  await assert.rejects(out.publish(records(5, 7)), code("KAFKA_MARKER_AHEAD"));
  assert.deepEqual(all(await found(stage, "a")), range(1, 9));
});

test("an older copy of the data shuts others out once, and ends when somebody is publishing", async () => {
  const stage = world();
  const { out: newest } = stage.process("one");
  await newest.publish(records(1, 9));
  await stage.clock.sleep(20); // until the end of the transaction can be seen
  const { out: older } = stage.process("two", { next: 5 });
  await assert.rejects(older.publish(records(5, 7)), code("KAFKA_MARKER_AHEAD"));
  await assert.rejects(newest.publish(records(9, 12)));
  await publishAll(newest, records(9, 12));
  await stage.clock.sleep(20);
  await assert.rejects(older.publish(records(5, 7)), code("KAFKA_FENCED"));
  await newest.publish(records(12, 14));
  assert.deepEqual(all(await found(stage, "a")), range(1, 14));
});

test("with a loss accepted an older copy of the data goes on from its own numbers", async () => {
  const stage = world();
  await stage.process("one").out.publish(records(1, 9));
  const { out } = stage.process("two", { next: 5, acceptLoss: true });
  await out.publish(records(3, 7));
  await out.publish(records(5, 7));
  assert.deepEqual(all(await found(stage, "a")), [1, 2, 3, 4, 5, 5, 6, 6, 7, 8]);
  const third = stage.process("three", { next: 7 }).out;
  assert.deepEqual(await third.publish(records(5, 7)), { upTo: 6, refused: [] });
});

test("new data under an old name begins anew, and that is told", async () => {
  const stage = world();
  const old = stage.process("one").out;
  await old.publish(records(1, 9));
  const { out, foreign } = stage.process("two", { data: "d2" });
  await out.fence();
  assert.deepEqual(
    foreign.map(({ next }) => next),
    [9],
  );
  await assert.rejects(old.publish(records(9, 10)));
  await assert.rejects(old.publish(records(9, 10)), code("KAFKA_FENCED"));
  await out.publish(records(1, 4));
  assert.deepEqual(all(await found(stage, "a")), [1, 1, 2, 2, 3, 3, 4, 5, 6, 7, 8]);
  const again = stage.process("three", { data: "d2", next: 4 }).out;
  assert.deepEqual(await again.publish(records(1, 4)), { upTo: 3, refused: [] });
});

test("data that may have published before others took its name says so", async () => {
  const stage = world();
  await stage.process("one").out.publish(records(1, 4));
  await stage.process("two", { data: "d2" }).out.publish(records(1, 2));
  const { out } = stage.process("three", { next: 5 });
  await assert.rejects(out.publish(records(3, 5)), code("KAFKA_MARKER_LOST"));
  await out.publish(records(5, 7));
});

test("when its topic is deleted the marker finds another place", async () => {
  const stage = world();
  const { out } = stage.process("one");
  await out.publish(records(1, 4, "b"));
  await found(stage, "b");
  stage.broker.deleteTopic("b");
  await assert.rejects(out.publish(records(4, 6)));
  await publishAll(out, records(4, 6));
  const again = stage.process("two", { next: 8 }).out;
  assert.deepEqual(await again.publish(records(4, 8)), { upTo: 5, refused: [] });
  assert.deepEqual(all(await found(stage, "a")), [4, 5]);
});

test("a marker that is written again holds the same", async () => {
  const stage = world();
  const { out } = stage.process("one");
  await out.refresh();
  await out.publish([...records(1, 3), ...records(3, 4, "nowhere")]);
  await found(stage, "a");
  const before = [...(stage.broker.offsets.get("app/out/0")?.values() ?? [])];
  stage.broker.expireOffsets("app/out/0");
  await out.refresh();
  await found(stage, "a");
  assert.deepEqual([...(stage.broker.offsets.get("app/out/0")?.values() ?? [])], before);
});
