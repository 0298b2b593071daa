import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { Deadline, Deadlines } from "../../src/base/deadlines.ts";

class Waiting extends Deadline {
  readonly #name: string;
  readonly #told: string[];

  constructor(name: string, told: string[]) {
    super();
    this.#name = name;
    this.#told = told;
  }

  late(): void {
    this.#told.push(this.#name);
  }
}

/** With timers and a time that a test moves. */
function start(t: TestContext) {
  let nowMs = 0;
  t.mock.timers.enable({ apis: ["setTimeout"] });
  t.mock.method(performance, "now", () => nowMs);
  const told: string[] = [];
  const pass = (ms: number) => {
    nowMs += ms;
    t.mock.timers.tick(ms);
    return told.splice(0);
  };
  return { deadlines: new Deadlines(), waiting: (name: string) => new Waiting(name, told), pass };
}

test("each is told when its time is over, in order, and those that are done are not", (t) => {
  const { deadlines, waiting, pass } = start(t);
  const [first, second, third, fourth] = ["a", "b", "c", "d"].map(waiting) as [
    Waiting,
    Waiting,
    Waiting,
    Waiting,
  ];
  deadlines.add(first, 100);
  deadlines.add(second, 100);
  deadlines.add(third, 50);
  assert.deepEqual(pass(40), []);
  deadlines.add(fourth, 100);
  assert.deepEqual(pass(10), ["c"]);
  deadlines.delete(second);
  deadlines.delete(second);
  assert.deepEqual(pass(50), ["a"]);
  assert.deepEqual(pass(39), []);
  assert.deepEqual(pass(1), ["d"]);
  deadlines.delete(fourth);
});

test("one that comes when all others of its span are done has its whole time", (t) => {
  const { deadlines, waiting, pass } = start(t);
  const [first, second] = [waiting("a"), waiting("b")];
  deadlines.add(first, 100);
  deadlines.delete(first);
  pass(60);
  deadlines.add(second, 100);
  assert.deepEqual(pass(99), []);
  assert.deepEqual(pass(1), ["b"]);
});

test("many spans leave nothing behind, and each keeps its time", (t) => {
  const { deadlines, waiting, pass } = start(t);
  const all = Array.from({ length: 100 }, (_, i) => ({ spanMs: 10 + i, it: waiting(`${i}`) }));
  for (const { it, spanMs } of all) deadlines.add(it, spanMs);
  for (const { it } of all.slice(0, 99)) deadlines.delete(it);
  assert.deepEqual(pass(108), []);
  assert.deepEqual(pass(1), ["99"]);
});
