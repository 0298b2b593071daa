import type { TestContext } from "node:test";

const stacks = new WeakMap<TestContext, (() => unknown)[]>();

/**
 * Runs `end` when the test is over, passed or failed; what was registered last runs first, so that a
 * process ends before its folder is removed. (Plain `t.after` runs in the order of registration.)
 * Each is run whatever the others throw; the first error fails the test.
 */
export function atEnd(t: TestContext, end: () => unknown): void {
  const stack = stacks.get(t);
  if (stack !== undefined) {
    stack.push(end);
    return;
  }
  const ends = [end];
  stacks.set(t, ends);
  t.after(async () => {
    const errors: unknown[] = [];
    for (let next = ends.pop(); next !== undefined; next = ends.pop()) {
      try {
        await next();
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length > 0) throw errors[0];
  });
}
