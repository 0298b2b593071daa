import assert from "node:assert/strict";
import { test } from "node:test";
import { firstNumberOf } from "../../src/model/outbox-number.ts";
import { CALL_TYPE, ownerOf } from "../../src/model/owner.ts";
import type { PartitionShare } from "../../src/snapshot/manifest.ts";
import { Placement, type TakenRecord } from "../../src/snapshot/placement.ts";
import { RestoredStore } from "../../src/snapshot/restored-store.ts";
import type { Write } from "../../src/store/contract.ts";
import {
  egressDestination,
  heirDestination,
  keyOf,
  outboxSource,
  partitionDestination,
  peerSource,
} from "../../src/store/keys.ts";
import { MemoryContents, MemoryStore } from "../../src/store/memory.ts";
import { encodeDead } from "../../src/store/records/dead.ts";
import { encodeMessage } from "../../src/store/records/message.ts";
import { decodeMeta, encodeMeta, type MetaRecord } from "../../src/store/records/meta.ts";
import { decodeOutbox, encodeOutbox } from "../../src/store/records/outbox.ts";
import { decodePosition, encodePosition } from "../../src/store/records/position.ts";
import { encodeSpecs } from "../../src/store/records/specs.ts";
import { encodeTimer } from "../../src/store/records/timer.ts";
import { at, idIn, message, spec, textOf, value } from "../partition/harness.ts";
import { META } from "./examples.ts";

interface Part {
  readonly writes: readonly Write[];
  readonly meta: Partial<MetaRecord>;
  readonly positions?: ReadonlyMap<string, number>;
}

/** These partitions, as they were cut, on so many others. */
async function placed(
  parts: readonly Part[],
  count: number,
  { isFork = false, taken }: { isFork?: boolean; taken?: TakenRecord } = {},
) {
  const shares = parts.map(({ meta, positions = new Map() }, partition): PartitionShare => {
    const whole = { ...META, ...meta, partition, partitionCount: parts.length };
    return { meta: whole, positions, segments: [] };
  });
  const contents = Array.from({ length: count }, () => new MemoryContents());
  const keepsSequences = parts.length === count;
  const stores = contents.map((each, partition) => {
    const meta = { ...META, partition, partitionCount: count, epoch: 100 };
    const store = new MemoryStore(each);
    return new RestoredStore({ store, meta, keepsSequences, firstLate: 1_000 });
  });
  const placement = new Placement({ shares, stores, incarnation: 3, isFork, taken });
  for (const [i, { writes }] of parts.entries()) {
    const share = placement.share(i);
    const meta = shares[i]?.meta ?? META;
    share.take(keyOf("meta"), encodeMeta(meta));
    for (const write of writes) if (write.value !== undefined) share.take(write.key, write.value);
    share.end();
  }
  placement.end();
  for (const store of stores) await store.complete();
  return { contents, metas: stores.map(({ meta }) => meta), counts: placement.counts };
}

const NOTHING = new Uint8Array(0);

test("everything of an address goes to the owner of its id", async () => {
  for (const to of [0, 1, 2]) {
    const id = idIn(to, 3);
    const keys = [
      keyOf("state", "a/b", id),
      keyOf("once", "a/b", id, "key"),
      keyOf("parked", "a/b", id),
      keyOf("expiry", 5, "state", keyOf("state", "a/b", id)),
      keyOf("expiry", 5, "once", keyOf("once", "a/b", id, "key")),
    ];
    const { contents } = await placed(
      [{ writes: keys.map((key) => ({ key, value: Buffer.of(7) })), meta: {} }],
      3,
    );
    for (const [i, each] of contents.entries()) {
      const there = keys.filter((key) => each.get(key) !== undefined);
      assert.equal(there.length, i === to ? keys.length : 0);
    }
  }
});

test("a call goes where its replies will", async () => {
  const callId = "5-1-a-secret";
  const keys = [keyOf("call", callId), keyOf("expiry", 5, "call", keyOf("call", callId))];
  const mail = {
    key: keyOf("mail", CALL_TYPE, callId, 1),
    value: encodeMessage(message("m", { type: CALL_TYPE, id: callId })),
  };
  const writes = [...keys.map((key) => ({ key, value: NOTHING })), mail];
  const { contents } = await placed([{ writes, meta: { accepted: 1, mail: 1 } }], 3);
  const owner = ownerOf({ type: CALL_TYPE, id: callId }, 3);
  assert.equal(owner, 2);
  for (const key of [...keys, mail.key]) assert(contents[2]?.get(key) !== undefined);
});

test("a delayed message goes with its sender and its token, under sequences of their own", async () => {
  const sender = at(idIn(1, 2));
  const target = at(idIn(0, 2));
  const timer = (token: string, from: typeof sender | undefined) => ({
    key: keyOf("timer", 50, 4),
    value: encodeTimer({ message: message(`m ${token}`, target), sender: from, token }),
  });
  const stale = { key: keyOf("token", sender.id, "t"), value: keyOf("timer", 50, 4).subarray(1) };
  const meta = { accepted: 1, timers: 1 };
  const { contents, metas } = await placed(
    [
      { writes: [timer("t", sender), stale], meta },
      { writes: [timer("", sender)], meta },
      { writes: [timer("", undefined)], meta },
    ],
    2,
  );
  const [zero, one] = contents;
  assert.deepEqual(
    metas.map(({ timers }) => timers),
    [1, 2],
  );
  assert(zero?.get(keyOf("timer", 50, 1)) !== undefined);
  assert(one?.get(keyOf("timer", 50, 1)) !== undefined);
  assert(one.get(keyOf("timer", 50, 2)) !== undefined);
  const token = one.get(keyOf("token", sender.id, "t"));
  assert.deepEqual(token, keyOf("timer", 50, 1).subarray(1));
});

test("with as many partitions as before, sequences and numbers stay", async () => {
  const id = idIn(0, 1);
  const writes = [
    { key: keyOf("dead", 17), value: encodeDead({ ...DEAD, address: at(id) }) },
    { key: keyOf("mail", "test/function", id, 12), value: encodeMessage(message("m", at(id))) },
  ];
  const meta = { accepted: 2, mail: 1, dead: 1 };
  const { contents } = await placed([{ writes, meta }], 1);
  for (const { key } of writes) assert(contents[0]?.get(key) !== undefined);
});

const DEAD = {
  ...({ code: "FUNCTION_FAILED", reason: "r", atMs: 1, attempts: 1, address: undefined } as const),
  what: { kind: "message", message: message("d", at("x")) } as const,
  ...{ source: "", egress: "" },
};

test("a dead letter goes to the address it names, or to the reader of its source", async () => {
  const named = encodeDead({ ...DEAD, address: at(idIn(2, 3)) });
  const read = encodeDead({ ...DEAD, source: "log/ns/in/t/7@12" });
  const neither = encodeDead(DEAD);
  const writes = [named, read, neither].map((each, i) => ({
    key: keyOf("dead", i + 1),
    value: each,
  }));
  const { metas } = await placed([{ writes, meta: { accepted: 3, dead: 3 } }], 3);
  assert.deepEqual(
    metas.map(({ dead }) => dead),
    [1, 1, 1],
  );
});

test("what a receiver lacks becomes its mail, behind what is there, and what it has is done", async () => {
  const target = at(idIn(1, 2));
  const sent = ["one", "two", "three"].map((id) => ({
    ...({ kind: "message", message: message(id, target) } as const),
  }));
  const destination = partitionDestination(1);
  const positions = new Map([[outboxSource(destination), 4]]);
  const sender = {
    writes: [
      { key: keyOf("outbox", destination, 1), value: encodeOutbox(sent) },
      position(outboxSource(destination), 4),
    ],
    meta: { accepted: 3, outbox: 3 },
    positions,
  };
  const receiver = {
    writes: [
      {
        key: keyOf("mail", target.type, target.id, 5),
        value: encodeMessage(message("one", target)),
      },
      position(peerSource(0), 2),
    ],
    meta: { accepted: 1, mail: 1 },
    positions: new Map([[peerSource(0), 2]]),
  };
  const { contents, metas, counts } = await placed([sender, receiver], 2);
  assert.equal(counts.inFlight, 2);
  const mail = [1_000, 1_001, 5].map((n) =>
    contents[1]?.get(keyOf("mail", target.type, target.id, n)),
  );
  assert(mail.every((each) => each !== undefined));
  assert.deepEqual(
    metas.map(({ accepted, finished, mail: held, outbox }) => [accepted, finished, held, outbox]),
    [
      [1, 1, 0, 0],
      [3, 0, 3, 0],
    ],
  );
  for (const name of [peerSource(0), outboxSource(destination)]) {
    assert(
      contents.every((each) => each.get(keyOf("position", name)) === undefined),
      name,
    );
  }
  const holed = { ...sender, writes: [], meta: { accepted: 0 } };
  await assert.rejects(placed([holed, receiver], 2), {
    code: "SNAPSHOT_CORRUPT",
    message: /its messages to partition 1 those from 2 to 4 are lost/,
  });
});

const position = (source: string, next: number): Write => ({
  key: keyOf("position", source),
  value: encodePosition(source, next),
});

const OUT = egressDestination("my/egress");

/** A record for an egress, under this number, and the outbox it lies in. */
function told(first: number, destination = OUT): Part {
  const record = { value: value("x"), sender: at("a"), causeId: undefined, traceparent: undefined };
  const bytes = encodeOutbox([{ kind: "record", record }]);
  const writes = [
    { key: keyOf("outbox", destination, first), value: bytes },
    position(outboxSource(destination), first + 1),
  ];
  return { writes, meta: { accepted: 1, outbox: 1 } };
}

/** Whether the outbox for a destination holds that number, and the next it gives. */
function outboxIn(contents: MemoryContents | undefined, destination: string, first: number) {
  const bytes = contents?.get(keyOf("position", outboxSource(destination)));
  const holds = contents?.get(keyOf("outbox", destination, first)) !== undefined;
  return [holds, bytes === undefined ? undefined : decodePosition(bytes).next];
}

test("records for an egress keep their numbers, and an heir keeps those of a partition that is gone", async () => {
  const { contents, metas, counts } = await placed([told(3), told(4), told(9), told(5)], 2);
  assert.equal(counts.renumbered, 0);
  assert.deepEqual(
    metas.map(({ outbox }) => outbox),
    [2, 2],
  );
  const [zero, one] = contents;
  assert.deepEqual(outboxIn(zero, OUT, 3), [true, 4]);
  assert.deepEqual(outboxIn(one, OUT, 4), [true, 5]);
  assert.deepEqual(outboxIn(zero, heirDestination(2, "my/egress"), 9), [true, 10]);
  assert.deepEqual(outboxIn(one, heirDestination(3, "my/egress"), 5), [true, 6]);
});

test("what an heir keeps goes back to a partition of that number, or on to another heir", async () => {
  const [three, five] = [heirDestination(3, "my/egress"), heirDestination(5, "my/egress")];
  const { contents } = await placed([told(9, three), told(7, five)], 4);
  assert.deepEqual(outboxIn(contents[3], OUT, 9), [true, 10]);
  assert.deepEqual(outboxIn(contents[1], five, 7), [true, 8]);
});

test("in a fork records for an egress go out under numbers that no egress knows", async () => {
  const { contents, counts } = await placed([told(3), told(4), told(9)], 2, { isFork: true });
  assert.equal(counts.renumbered, 3);
  const [zero, one] = contents;
  const first = firstNumberOf(2);
  assert.deepEqual(outboxIn(zero, OUT, first), [true, first + 2]);
  assert.deepEqual(outboxIn(zero, OUT, first + 1), [true, first + 2]);
  assert.deepEqual(outboxIn(one, OUT, first), [true, first + 1]);
});

test("records that would get new numbers are done when their egress has them already", async () => {
  const destination = egressDestination("my/log");
  const effects = ["a", "b", "c"].map((text) => {
    const record = { value: value(text), sender: at(text) };
    return { kind: "record", record: { ...record, causeId: undefined, traceparent: undefined } };
  }) as Parameters<typeof encodeOutbox>[0];
  const part = (first: number): Part => ({
    writes: [
      { key: keyOf("outbox", destination, first), value: encodeOutbox(effects) },
      position(outboxSource(destination), first + 3),
    ],
    meta: { accepted: 3, outbox: 3 },
  });
  const asked: number[] = [];
  const taken: TakenRecord = (egress, partition, number) => {
    assert.equal(egress, "my/log");
    if (partition === 0) return false;
    asked.push(number);
    return number === 10;
  };
  const { contents, counts, metas } = await placed([part(3), part(9)], 1, { isFork: true, taken });
  assert.deepEqual(asked, [9, 10, 11]);
  assert.equal(counts.published, 1);
  assert.deepEqual([metas[0]?.outbox, metas[0]?.finished, metas[0]?.accepted], [5, 1, 6]);
  const bytes = contents[0]?.get(keyOf("outbox", destination, firstNumberOf(2) + 3));
  const texts = decodeOutbox(bytes ?? NOTHING).map((each) => {
    return each.kind === "record" ? textOf(each.record.value) : "";
  });
  assert.deepEqual(texts, ["a", "c"]);
});

test("the states that types have declared are known to all, and sources go to their readers", async () => {
  const writes = (name: string) => [
    { key: keyOf("specs", "a/b"), value: encodeSpecs("a/b", [spec(name)]) },
  ];
  const second = [...writes("y"), position("log/ns/in/t/4", 8)];
  const { contents } = await placed(
    [
      { writes: writes("x"), meta: {} },
      { writes: second, meta: {} },
    ],
    3,
  );
  const both = encodeSpecs("a/b", [spec("x"), spec("y")]);
  for (const each of contents) assert.deepEqual(each.get(keyOf("specs", "a/b")), Buffer.from(both));
  const source = keyOf("position", "log/ns/in/t/4");
  assert.deepEqual(
    contents.map((each) => each.get(source) !== undefined),
    [false, true, false],
  );
});

test("books that do not add up are refused, and so is what no version has written", async () => {
  const wrong = { code: "SNAPSHOT_CORRUPT" };
  await assert.rejects(placed([{ writes: [], meta: { accepted: 1, mail: 1 } }], 1), wrong);
  await assert.rejects(placed([{ writes: [], meta: { accepted: 1 } }], 1), wrong);
  const unknown = { key: Buffer.from("?"), value: NOTHING };
  await assert.rejects(placed([{ writes: [unknown], meta: {} }], 1), wrong);
});

test("what is restored is written some megabytes at a time, and its own record once, last", async () => {
  const sizes: number[] = [];
  const epochs: number[] = [];
  const store = new RestoredStore({
    store: {
      fill: async (writes) => {
        assert.equal(epochs.length, 0);
        assert(writes.every(({ key }) => Buffer.compare(key, keyOf("meta")) !== 0));
        sizes.push(writes.reduce((sum, each) => sum + (each.value?.byteLength ?? 0), 0));
      },
      commit: async ([meta, ...rest], epoch) => {
        assert.equal(decodeMeta(meta?.value ?? NOTHING).epoch, epoch);
        assert.equal(rest.length, 0);
        epochs.push(epoch);
      },
    },
    ...{ meta: META, keepsSequences: true, firstLate: 1 },
  });
  for (let i = 0; i < 100; i++) {
    store.put(Buffer.from(`k${i}`), Buffer.alloc(100_000));
    if (store.isFull) await store.flush();
  }
  await store.complete();
  assert.equal(sizes.length, 3);
  assert(Math.max(...sizes) < 4.3 * 1024 * 1024);
  assert.deepEqual(epochs, [META.epoch + 1]);
});
