import { address, kafka, statefulFunction, types, value } from "@statefold/sdk";
import { type Deferred, deferred } from "../../../src/base/deferred.ts";

/* What the nodes of the tests run. The tests load this module too, and hold its strings. */

/** Ids of `test/fragile` that fail now. */
export const broken = new Set<string>();

/** Ids of `test/sleeper` that were called and sleep until they are let go. */
export const asleep = new Map<string, Deferred<void>>();

export const counter = statefulFunction("test/counter", { state: { count: value(types.int) } })
  .on(types.int, (ctx, by) => {
    ctx.state.count = (ctx.state.count ?? 0) + by;
    ctx.reply(types.int, ctx.state.count);
  })
  .on(types.string, (ctx) => ctx.reply(types.int, ctx.state.count ?? 0));

/** Remembers every text it was sent, unless it is broken. */
export const fragile = statefulFunction("test/fragile", {
  state: { texts: value(types.string) },
}).on(types.string, (ctx, text) => {
  if (broken.has(ctx.self.id)) throw new Error(`broken by ${text}`);
  ctx.state.texts = `${ctx.state.texts ?? ""}${text}`;
  ctx.reply(types.string, ctx.state.texts);
});

export const sleeper = statefulFunction("test/sleeper").on(types.string, async (ctx, text) => {
  const rest = deferred<void>();
  asleep.set(ctx.self.id, rest);
  await rest.promise;
  ctx.reply(types.string, `${text}, slept`);
});

/** Never answers. */
export const silent = statefulFunction("test/silent").on(types.string, () => undefined);

/** Tells a stranger, whom nobody serves. */
export const gossip = statefulFunction("test/gossip").on(types.string, (ctx, text) => {
  ctx.send(address("test/stranger", ctx.self.id), types.string, text);
  ctx.reply(types.string, "told");
});

const Order = types.json<{ item: string }>("test/Order");

/** Answers each order with a receipt; one without item is a message too many for the egress. */
export const shop = statefulFunction("test/shop", { state: { orders: value(types.int) } }).on(
  Order,
  (ctx, { item }) => {
    ctx.state.orders = (ctx.state.orders ?? 0) + 1;
    const receipt = `${ctx.state.orders}: ${item}`;
    ctx.egress("test/receipts", kafka({ topic: "receipts", key: ctx.self.id, value: receipt }));
  },
);

/** Wakes itself a while after. */
export const alarm = statefulFunction("test/alarm").on(types.string, (ctx, when) => {
  ctx.sendAfter(when, ctx.self, types.string, when, { token: "alarm" });
  ctx.reply(types.string, "set");
});
