import assert from "node:assert/strict";
import { test } from "node:test";
import { Slots } from "../../src/invoke/slots.ts";

test("slots go to whoever asked first", () => {
  const slots = new Slots(1);
  const order: string[] = [];
  assert.equal(slots.tryTake(), true);
  assert.equal(slots.tryTake(), false);
  slots.wait((granted) => order.push(`first ${granted}`));
  slots.wait((granted) => order.push(`second ${granted}`));
  slots.give();
  assert.deepEqual(order, ["first true"]);
  assert.equal(slots.tryTake(), false);
  slots.give();
  assert.deepEqual(order, ["first true", "second true"]);
  slots.give();
  assert.equal(slots.tryTake(), true);
});

test("whoever leaves the line gets no slot, and is told so once", () => {
  const slots = new Slots(1);
  const order: string[] = [];
  slots.tryTake();
  const leave = slots.wait((granted) => order.push(`first ${granted}`));
  slots.wait((granted) => order.push(`second ${granted}`));
  leave();
  leave();
  slots.give();
  assert.deepEqual(order, ["first false", "second true"]);
  assert.equal(slots.waiting, 0);
});

test("leaving after the slot was granted changes nothing", () => {
  const slots = new Slots(1);
  const order: boolean[] = [];
  slots.tryTake();
  const leave = slots.wait((granted) => order.push(granted));
  slots.give();
  leave();
  assert.deepEqual(order, [true]);
  assert.equal(slots.tryTake(), false);
});
