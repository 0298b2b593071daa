import { serve, statefulFunction, types, value } from "@statefold/sdk";
import { token } from "./hop-functions.ts";
import { flood, idle, slow } from "./idle-functions.ts";
import { passing } from "./kafka/functions.ts";
import { serveParent } from "./support/processes.ts";
import { account, fired, schedule } from "./timer-functions.ts";

/*
 * The functions of the benchmarks, in a process of their own. `bench/counter` counts and replies, by
 * one for any bytes; the others are in files of their own, as nodes run some of them too.
 */
const counter = statefulFunction("bench/counter", { state: { count: value(types.int) } })
  .on(types.raw("bench/Raw"), (ctx) => {
    const total = ((ctx.state.count ?? 0) + 1) | 0;
    ctx.state.count = total;
    ctx.reply(types.int, total);
  })
  .on(types.int, (ctx, by) => {
    const total = ((ctx.state.count ?? 0) + by) | 0;
    ctx.state.count = total;
    ctx.reply(types.int, total);
  });

const server = serve([counter, token, schedule, fired, account, idle, slow, flood, ...passing], {
  port: 0,
});

export interface FunctionsAnswer {
  readonly port: number;
}

serveParent(async (): Promise<FunctionsAnswer> => ({ port: (await server).port }));
