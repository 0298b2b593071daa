import { kafka, statefulFunction, types, value } from "@statefold/sdk";
import { pathOf, SDK } from "./paths.ts";

/* A function between two topics: it counts the records of each key, and passes them on as they are. */
const Raw = types.raw("bench/Raw");

export const passing = SDK.map((name) => {
  const { functionName, egress, to } = pathOf(name);
  return statefulFunction(functionName, { state: { count: value(types.int) } }).on(
    Raw,
    (ctx, bytes) => {
      ctx.state.count = ((ctx.state.count ?? 0) + 1) | 0;
      ctx.egress(egress, kafka({ topic: to, key: ctx.self.id, value: bytes }));
    },
  );
});
