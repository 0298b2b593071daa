/**
 * The functions of night.test.ts, in one of two processes: `shop`, whose first version has a bug, and
 * `mail`. Each remembers what it was sent, in order.
 */
import { address, serve, statefulFunction, types, value } from "@statefold/sdk";

const [port, part, version] = process.argv.slice(2);

export const Order = types.json<{ item: string }>("shop/Order");
const remembered = { items: value(types.string) };

const order = statefulFunction("shop/order", { state: remembered }).on(Order, (ctx, { item }) => {
  if (version === "buggy" && item.startsWith("€")) throw new Error(`no such currency in ${item}`);
  if (item === "garbage") throw new Error("garbage is no item");
  ctx.state.items = `${ctx.state.items ?? ""}${item} `;
  // The name has a letter too many: nobody serves it.
  const next = item === "gift" ? address("shops/gift", ctx.self.id) : letter.at(ctx.self.id);
  ctx.send(next, Order, { item });
});

const spam = statefulFunction("shop/spam").on(Order, () => {
  throw new Error("spam");
});

const keeper = (name: "shop/gift" | "mail/letter") =>
  statefulFunction(name, { state: remembered }).on(Order, (ctx, { item }) => {
    ctx.state.items = `${ctx.state.items ?? ""}${item} `;
  });

const gift = keeper("shop/gift");
const letter = keeper("mail/letter");

await serve(part === "mail" ? [letter] : [order, spam, gift], {
  port: Number(port),
  onError: () => {},
});
process.stdout.write("serving\n");
