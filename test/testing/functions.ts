/** Small functions, and a node that has them. */
import { address, kafka, statefulFunction, types, value } from "@statefold/sdk";
import { type TestNode, type TestNodeOptions, testNode } from "../../src/testing.ts";

export const OUT = "demo/out";
export const Add = types.json<{ readonly by: number }>("demo/Add");
export const Later = types.json<{ readonly ms: number }>("demo/Later");
export const Deposit = types.json<{ readonly amount: number }>("demo/Deposit");
export const Transfer = types.json<{ readonly to: string; readonly amount: number }>(
  "demo/Transfer",
);

/** Counts, and says so to its caller and to the world. */
export const counter = statefulFunction("demo/counter", {
  state: {
    count: value(types.int),
    note: value(types.string, { expireAfterWrite: "1h" }),
  },
})
  .on(Add, (ctx, { by }) => {
    const count = (ctx.state.count ?? 0) + by;
    ctx.state.count = count;
    ctx.reply(types.int, count);
    ctx.egress(OUT, kafka({ topic: "counts", key: ctx.self.id, value: `${ctx.self.id}=${count}` }));
  })
  .on(Transfer, (ctx, { to, amount }) => {
    ctx.state.count = (ctx.state.count ?? 0) - amount;
    ctx.send(counter.at(to), Deposit, { amount });
  })
  .on(Deposit, (ctx, { amount }) => {
    const count = (ctx.state.count ?? 0) + amount;
    ctx.state.count = count;
    ctx.egress(OUT, kafka({ topic: "counts", key: ctx.self.id, value: `${ctx.self.id}=${count}` }));
  })
  .on(types.string, (ctx, text) => {
    ctx.state.note = text;
  });

/** Replies after a while. */
export const sleeper = statefulFunction("demo/sleeper", {
  state: { caller: value(types.string) },
})
  .on(Later, (ctx, { ms }) => {
    if (ctx.caller !== undefined) ctx.state.caller = `${ctx.caller.type} ${ctx.caller.id}`;
    ctx.sendAfter(ms, ctx.self, types.string, "up", { token: "sleep" });
  })
  .on(types.string, (ctx) => {
    const [type, id] = ctx.state.caller?.split(" ") ?? [];
    if (type !== undefined && id !== undefined) ctx.send(address(type, id), types.string, "awake");
  });

/** Two that never come to rest. */
export const ping = statefulFunction("demo/ping").on(types.string, (ctx, text) => {
  ctx.send(pong.at(ctx.self.id), types.string, text);
});
export const pong: typeof ping = statefulFunction("demo/pong").on(types.string, (ctx, text) => {
  ctx.send(ping.at(ctx.self.id), types.string, text);
});

export const START = new Date("2026-03-01T12:00:00Z");

export function nodeOf(options: Partial<TestNodeOptions> = {}): Promise<TestNode> {
  const functions = [counter, sleeper, ping, pong];
  return testNode({ functions, egresses: [OUT], start: START, ...options });
}

export const values = (node: TestNode) => node.records(OUT).map((record) => record.value);
