import { serve, statefulFunction, types, value } from "@statefold/sdk";
import { flood, idle, slow } from "./idle-functions.ts";
import { passExactly, passLeast } from "./kafka/functions.ts";
import { serveParent } from "./support/processes.ts";
import { account, fired, schedule } from "./timer-functions.ts";

/*
 * The functions of the benchmarks, in a process of their own. `bench/counter` counts and replies;
 * `bench/token` passes a number round a ring of addresses, one less each time, and its process counts.
 */
let hops = 0;

const counter = statefulFunction("bench/counter", { state: { count: value(types.int) } }).on(
  types.int,
  (ctx, by) => {
    const total = ((ctx.state.count ?? 0) + by) | 0;
    ctx.state.count = total;
    ctx.reply(types.int, total);
  },
);

/** Ids are `ring.place.size`. */
const token = statefulFunction("bench/token").on(types.int, (ctx, left) => {
  hops++;
  if (left === 0) return;
  const [ring = "", place = "", size = ""] = ctx.self.id.split(".");
  const next = (Number(place) + 1) % Number(size);
  ctx.send(token.at(`${ring}.${next}.${size}`), types.int, left - 1);
});

const server = serve(
  [counter, token, schedule, fired, account, idle, slow, flood, passExactly, passLeast],
  { port: 0 },
);

export interface FunctionsAnswer {
  readonly port: number;
  readonly hops: number;
}

serveParent(async (): Promise<FunctionsAnswer> => ({ port: (await server).port, hops }));
