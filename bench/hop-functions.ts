import { statefulFunction, types } from "@statefold/sdk";

/**
 * Passes a number round a ring of addresses, one less each time, inside the node or behind HTTP. Ids are
 * `ring.place.size`.
 */
export const token = statefulFunction("bench/token").on(types.int, (ctx, left) => {
  if (left === 0) return;
  const [ring = "", place = "", size = ""] = ctx.self.id.split(".");
  const next = (Number(place) + 1) % Number(size);
  ctx.send(token.at(`${ring}.${next}.${size}`), types.int, left - 1);
});
