import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { Egress, EgressRecord } from "../../src/egress/contract.ts";
import type { TypedValue } from "../../src/model/typed-value.ts";

/** A receiver that lives through restarts of its egress. Closed with the test. */
export interface EgressWorld {
  /** A new egress, as after a restart; started. The suite stops it. */
  egress(): Promise<Egress>;
  /** What a function sends for this topic; `key` undefined where the egress has none. */
  value(topic: string, key: string | undefined, payload: string): TypedValue;
  /** The payloads of a topic so far; those with the same key in the order published. */
  payloads(topic: string): Promise<string[]>;
  /** The topics that may be used. */
  readonly topics: readonly [string, string];
  /** Whether the receiver knows the numbers after a restart of the egress. */
  readonly remembers: boolean;
}

export type MakeEgressWorld = (t: TestContext) => Promise<EgressWorld>;

/** With four partitions that have opened, and number their next records so. */
async function opened(t: TestContext, world: EgressWorld, next = 1): Promise<Egress> {
  const egress = await world.egress();
  t.after(() => egress.stop());
  for (let partition = 0; partition < 4; partition++) egress.open(partition, next);
  return egress;
}

function recordOf(value: TypedValue): EgressRecord {
  return {
    value,
    sender: { type: "ns/fn", id: "1" },
    causeId: undefined,
    traceparent: undefined,
  };
}

/** Records for a topic with these payloads, all of one key. */
function records(world: EgressWorld, topic: string, payloads: readonly string[]): EgressRecord[] {
  return payloads.map((payload) => recordOf(world.value(topic, "key", payload)));
}

const BAD: TypedValue = { typename: "ns/Other", hasValue: true, value: new Uint8Array(3) };

/** What every egress must do, whatever it publishes to. */
export function egressContract(name: string, makeWorld: MakeEgressWorld): void {
  publishing(name, makeWorld);
  numbers(name, makeWorld);
}

function publishing(name: string, makeWorld: MakeEgressWorld): void {
  test(`${name}: what is published can be read, in order`, async (t) => {
    const world = await makeWorld(t);
    const egress = await opened(t, world);
    const [topic, other] = world.topics;
    const mixed = [...records(world, topic, ["a", "b"]), ...records(world, other, ["x"])];
    assert.deepEqual((await egress.publish(0, 1, mixed)).refused, []);
    await egress.publish(0, 4, records(world, topic, ["c"]));
    assert.deepEqual(await world.payloads(topic), ["a", "b", "c"]);
    assert.deepEqual(await world.payloads(other), ["x"]);
  });

  test(`${name}: a value it cannot take is told from one it can, and refused by number`, async (t) => {
    const world = await makeWorld(t);
    const egress = await opened(t, world, 5);
    const [topic] = world.topics;
    assert.equal(egress.check(world.value(topic, "key", "good")), undefined);
    assert.match(egress.check(BAD) ?? "", /not ns\/Other/);
    const good = records(world, topic, ["a", "b"]);
    const published = await egress.publish(0, 5, [
      ...good.slice(0, 1),
      recordOf(BAD),
      ...good.slice(1),
    ]);
    assert.deepEqual(
      published.refused.map((one) => one.number),
      [6],
    );
    assert.match(published.refused[0]?.reason ?? "", /not ns\/Other/);
    assert.deepEqual(await world.payloads(topic), ["a", "b"]);
  });

  test(`${name}: nothing to publish is published`, async (t) => {
    const world = await makeWorld(t);
    const egress = await opened(t, world);
    assert.deepEqual((await egress.publish(0, 1, [])).refused, []);
    await egress.publish(0, 1, records(world, world.topics[0], ["a"]));
    assert.deepEqual(await world.payloads(world.topics[0]), ["a"]);
  });
}

function numbers(name: string, makeWorld: MakeEgressWorld): void {
  test(`${name}: a batch sent again, with more behind it, is published once`, async (t) => {
    const world = await makeWorld(t);
    const egress = await opened(t, world, 10);
    const [topic] = world.topics;
    await egress.publish(3, 10, records(world, topic, ["a", "b"]));
    await egress.publish(3, 10, records(world, topic, ["a", "b"]));
    await egress.publish(3, 11, records(world, topic, ["b", "c"]));
    assert.deepEqual(await world.payloads(topic), ["a", "b", "c"]);
  });

  test(`${name}: records without key are published once as well`, async (t) => {
    const world = await makeWorld(t);
    const egress = await opened(t, world);
    const [topic] = world.topics;
    const unkeyed = [..."abcdefg"].map((text) => recordOf(world.value(topic, undefined, text)));
    await egress.publish(0, 1, unkeyed.slice(0, 4));
    await egress.publish(0, 1, unkeyed);
    assert.deepEqual((await world.payloads(topic)).sort(), [..."abcdefg"]);
  });

  test(`${name}: each partition has numbers of its own`, async (t) => {
    const world = await makeWorld(t);
    const egress = await opened(t, world);
    const [topic] = world.topics;
    const publishing = [0, 1, 2].map((partition) =>
      egress.publish(partition, 1, records(world, topic, [`of ${partition}`])),
    );
    await Promise.all(publishing);
    assert.deepEqual((await world.payloads(topic)).sort(), ["of 0", "of 1", "of 2"]);
  });

  test(`${name}: after a restart the numbers are known where the receiver remembers them`, async (t) => {
    const world = await makeWorld(t);
    if (!world.remembers) return;
    const [topic] = world.topics;
    const first = await opened(t, world);
    await first.publish(0, 1, records(world, topic, ["a", "b"]));
    await first.stop();
    await first.stop();
    const second = await opened(t, world, 4);
    await second.publish(0, 1, records(world, topic, ["a", "b", "c"]));
    assert.deepEqual(await world.payloads(topic), ["a", "b", "c"]);
  });

  test(`${name}: a partition that opens again goes on where it was`, async (t) => {
    const world = await makeWorld(t);
    const egress = await opened(t, world);
    const [topic] = world.topics;
    await egress.publish(0, 1, records(world, topic, ["a", "b"]));
    egress.open(0, 5);
    await egress.publish(0, 2, records(world, topic, ["b", "c", "d"]));
    await egress.publish(0, 5, records(world, topic, ["e"]));
    assert.deepEqual(await world.payloads(topic), [..."abcde"]);
  });

  test(`${name}: a call that is aborted ends, and may come again with nothing doubled`, async (t) => {
    const world = await makeWorld(t);
    const egress = await opened(t, world);
    const [topic] = world.topics;
    const given = new AbortController();
    const batch = records(world, topic, ["a", "b"]);
    const publishing = egress.publish(0, 1, batch, given.signal);
    given.abort(new Error("too long"));
    // One that is done at once has nothing to abort.
    await publishing.catch((error: unknown) => assert.match(String(error), /too long/));
    await egress.publish(0, 1, batch);
    assert.deepEqual(await world.payloads(topic), ["a", "b"]);
  });
}
