import { setImmediate as immediately } from "node:timers/promises";
import { statefulFunction, types, value } from "@statefold/sdk";

/* Functions that end the thread they run on, or keep it for themselves; and some that tell each other. */

/** Counts what it was told, and tells the next id with one less. */
export const ring = statefulFunction("test/ring", { state: { count: value(types.int) } })
  .on(types.int, (ctx, left) => {
    ctx.state.count = (ctx.state.count ?? 0) + 1;
    if (left > 0) ctx.send({ type: "test/ring", id: nextOf(ctx.self.id) }, types.int, left - 1);
  })
  .on(types.string, (ctx) => ctx.reply(types.int, ctx.state.count ?? 0));

export const RING = 7;

function nextOf(id: string): string {
  return `r${(Number(id.slice(1)) + 1) % RING}`;
}

/** A channel on which it is said that a thread is blocked from now on. */
export const BLOCKED = "test/blocked";

export const bomb = statefulFunction("test/bomb", { state: { heard: value(types.int) } }).on(
  types.string,
  async (ctx, how) => {
    ctx.state.heard = (ctx.state.heard ?? 0) + 1;
    if (how === "throw") {
      setImmediate(() => {
        throw new Error("nobody catches this");
      });
      await immediately();
    } else if (how === "exit") process.exit(3);
    else if (how === "block") {
      new BroadcastChannel(BLOCKED).postMessage(undefined);
      for (;;);
    }
    ctx.reply(types.int, ctx.state.heard);
  },
);
