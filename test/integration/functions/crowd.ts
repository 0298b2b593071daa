import { statefulFunction, types, value } from "@statefold/sdk";
import { deferred } from "../../../src/base/deferred.ts";

/* What isolation.test.ts runs, and the strings it pulls: it loads this module too. */

/** Ids of `crowd/counter` that fail now. */
export const poisonous = new Set<string>();

/** While it is unresolved, `hot` and `crowd/sleeper` wait for it. */
export const morning = deferred<void>();

const COUNT = { count: value(types.int) };

export const counter = statefulFunction("crowd/counter", { state: COUNT }).on(
  types.int,
  async (ctx, by) => {
    const { id } = ctx.self;
    if (poisonous.has(id)) throw new Error(`${id} is poison`);
    if (id === "hot") await morning.promise;
    ctx.state.count = (ctx.state.count ?? 0) + by;
    if (!ctx.caller?.type.startsWith("crowd/")) ctx.reply(types.int, ctx.state.count);
  },
);

/** Tells so many counters at once, and itself the rest, a thousand at a time. */
export const teller = statefulFunction("crowd/teller").on(types.int, (ctx, left) => {
  const one = ctx.self.id === "hot";
  const now = one ? Math.min(left, 1_000) : left;
  for (let i = 0; i < now; i++) ctx.send(counter.at(one ? "hot" : `leaf-${i}`), types.int, 1);
  if (left > now) ctx.send(ctx.self, types.int, left - now);
});

export const heavy = statefulFunction("crowd/heavy", {
  state: { ...COUNT, ballast: value(types.bytes) },
}).on(types.int, (ctx, by) => {
  ctx.state.ballast ??= new Uint8Array(10 * 1024 * 1024).fill(7);
  ctx.state.count = (ctx.state.count ?? 0) + by;
  ctx.reply(types.int, ctx.state.count);
});

export const verbose = statefulFunction("crowd/verbose").on(types.int, (ctx) => {
  ctx.reply(types.bytes, new Uint8Array(1024 * 1024));
});
