import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { type DiskSpace, spaceOf } from "../../src/base/disk-space.ts";
import { DiskReserve } from "../../src/node/disk-reserve.ts";
import { openStorage } from "../../src/node/storage.ts";
import { aNode, SHOP, SILENT, type TestNode } from "../node/a-node.ts";
import { tempDir } from "../support/temp.ts";
import { until } from "../support/until.ts";

const MIB = 2 ** 20;

/** A reserve on a disk that has what it is told. */
function reserveOf(space: { freeBytes: number; sizeBytes: number } | { fails: true }) {
  const rooms: string[] = [];
  const reserve = new DiskReserve({
    measure: async (): Promise<DiskSpace> => {
      if ("fails" in space) throw new Error("no such call here");
      return space;
    },
    onRoom: () => rooms.push("room"),
    logger: SILENT,
  });
  return { reserve, rooms };
}

test("below RESERVE_BYTES of a large disk nothing is taken in, and again once there is room", async () => {
  const space = { freeBytes: 256 * MIB, sizeBytes: 2 ** 40 };
  const { reserve, rooms } = reserveOf(space);
  await reserve.look();
  assert.equal(reserve.reason, undefined);
  space.freeBytes--;
  await reserve.look();
  assert.match(reserve.reason ?? "", /has 268435455 bytes left, of which 268435456 are kept/);
  assert.deepEqual(rooms, []);
  space.freeBytes++;
  await reserve.look();
  await reserve.look();
  assert.deepEqual([reserve.reason, rooms], [undefined, ["room"]]);
});

test("of a small disk RESERVE_PERCENT are kept", async () => {
  const space = { freeBytes: 5 * MIB, sizeBytes: 100 * MIB };
  const { reserve } = reserveOf(space);
  await reserve.look();
  assert.equal(reserve.reason, undefined);
  space.freeBytes--;
  await reserve.look();
  assert.notEqual(reserve.reason, undefined);
});

test("a file system that does not tell its room is taken to have some", async () => {
  const { reserve } = reserveOf({ fails: true });
  await reserve.look();
  assert.equal(reserve.reason, undefined);
});

test("the room of a directory is measured", async (t) => {
  const { freeBytes, sizeBytes } = await spaceOf(tempDir(t));
  assert(freeBytes > 0 && freeBytes <= sizeBytes);
});

test("a node whose disk is nearly full takes nothing in, and goes on where it was with room", async (t) => {
  const dataDir = join(tempDir(t), "data");
  const withoutIngress = SHOP.slice(SHOP.indexOf("---") + 3);
  const first = await aNode(t, withoutIngress, { dataDir });
  assert.equal((await order(first, "tea")).status, 200);
  await first.node.stop();

  let freeBytes = 0;
  const node = await aNode(t, SHOP, { dataDir }, async (options) => ({
    ...(await openStorage(options)),
    space: async () => ({ freeBytes, sizeBytes: 2 ** 40 }),
  }));
  for (const refused of [
    await node.post("/v1/send/test/alarm/a", "x"),
    await order(node, "milk"),
  ]) {
    assert.equal(refused.status, 429, refused.text);
    assert.match(refused.text, /OVERLOADED.*bytes left/);
  }
  const status = (await node.ask("/v1/admin/status")).json as { ingresses: { lag: number }[] };
  assert.equal(status.ingresses[0]?.lag, 1, "what is in the topic waits there");
  assert.match((await node.ask("/metrics")).text, /^statefold_disk_free_bytes 0$/m);

  freeBytes = 2 ** 39;
  await until("room", async () => (await order(node, "milk")).status === 200);
  await until("both receipts", async () => {
    const { text } = await node.ask("/v1/topics/receipts");
    return text.includes("1: tea") && text.includes("2: milk");
  });
});

function order(node: TestNode, item: string) {
  const body = JSON.stringify({ item });
  return node.ask("/v1/topics/orders?key=ada", { method: "POST", body });
}
