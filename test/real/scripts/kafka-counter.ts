/** The embedded function of kafka-ingress.test.ts: counts what it is sent. */
import { statefulFunction, types, value } from "@statefold/sdk";

export const counter = statefulFunction("count/counter", {
  state: { count: value(types.int) },
}).on(types.json<number>("count/Add"), (ctx, by) => {
  ctx.state.count = (ctx.state.count ?? 0) + by;
});
