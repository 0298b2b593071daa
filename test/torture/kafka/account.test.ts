import assert from "node:assert/strict";
import { test } from "node:test";
import { drawAccount } from "./account.ts";
import { type Counts, NOTHING, neighboursOf, type Written } from "./messages.ts";

const IDS = 5;
const ORDERS = new Map([["i0", [2, 5]]]);

/** What has to come of two orders of i0, the second numbered 5. */
const WRITTEN: readonly Written[] = [
  { kind: "counted", id: "i0", n: 2, count: 1, seq: 1 },
  { kind: "counted", id: "i0", n: 5, count: 2, seq: 2 },
  { kind: "rung", id: "i0", n: 1, count: 1, seq: 3 },
  ...neighboursOf("i0", IDS).flatMap((id) =>
    [1, 2].map((n) => ({ kind: "heard", id, n, count: n, seq: n, from: "i0" }) as const),
  ),
];

const STATES: ReadonlyMap<string, Counts> = new Map([
  ["counter i0", { ...NOTHING, counted: 2, rung: 1, seq: 3 }],
  ...neighboursOf("i0", IDS).map(
    (id) => [`mirror ${id}`, { ...NOTHING, heard: 2, seq: 2 }] as const,
  ),
]);

const account = (written: readonly Written[], states = STATES): string[] => [
  ...drawAccount({ ids: IDS, orders: ORDERS, written, states }),
];

test("an account comes out when each message was handled once and in order", () => {
  assert.deepEqual(account(WRITTEN), []);
});

test("each record that is missing, doubled or out of order is found", () => {
  for (const [i, record] of WRITTEN.entries()) {
    assert.notDeepEqual(account(WRITTEN.toSpliced(i, 1)), [], `without ${i}`);
    assert.notDeepEqual(account([...WRITTEN, record]), [], `${i} twice`);
  }
  const [first, second, ...rest] = WRITTEN;
  assert(first !== undefined && second !== undefined);
  assert.notDeepEqual(account([second, first, ...rest]), []);
  const stranger: Written = { kind: "counted", id: "i7", n: 1, count: 1, seq: 1 };
  assert.deepEqual(account([...WRITTEN, stranger]), ["a record of i7, which nobody asked for"]);
});

test("each state that counted something else is found", () => {
  for (const [address, counts] of STATES) {
    const wrong = new Map([...STATES, [address, { ...counts, heard: counts.heard + 1 }] as const]);
    assert.equal(account(WRITTEN, wrong).length, 1, address);
    const without = new Map([...STATES].filter(([other]) => other !== address));
    assert.equal(account(WRITTEN, without).length, 1, address);
  }
});
