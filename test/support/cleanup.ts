import { after } from "node:test";

/** What ends some time: a test, or see {@link fileScope}. */
export interface Scope {
  after(end: () => Promise<void>): void;
}

/** Ends with the tests of a file, for what they share. To be asked for outside of any test. */
export function fileScope(): Scope {
  let last = async (): Promise<void> => {};
  after(() => last());
  return {
    after(end) {
      last = end;
    },
  };
}

const stacks = new WeakMap<Scope, (() => unknown)[]>();

/**
 * Runs `end` when the test is over, passed or failed; what was registered last runs first, so that a
 * process ends before its folder is removed. (Plain `t.after` runs in the order of registration.)
 * Each is run whatever the others throw; the first error fails the test.
 */
export function atEnd(t: Scope, end: () => unknown): void {
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
