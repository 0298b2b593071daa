import { kafka, statefulFunction, types, value } from "@statefold/sdk";
import { PATHS, type Path } from "./paths.ts";

/* A function between two topics: it counts the records of each key, and passes them on as they are. */
const Raw = types.raw("bench/Raw");

const passing = (name: string, egress: string, { to }: Path) =>
  statefulFunction(`bench/${name}`, { state: { count: value(types.int) } }).on(
    Raw,
    (ctx, bytes) => {
      ctx.state.count = ((ctx.state.count ?? 0) + 1) | 0;
      ctx.egress(egress, kafka({ topic: to, key: ctx.self.id, value: bytes }));
    },
  );

export const passExactly = passing("pass-exactly", "bench/out-exactly", PATHS.exactly);
export const passLeast = passing("pass-least", "bench/out-least", PATHS.least);
