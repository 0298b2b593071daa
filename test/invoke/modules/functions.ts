import { statefulFunction, types, value } from "@statefold/sdk";

/* What an embedded endpoint loads in the tests. */

export const counter = statefulFunction("demo/counter", { state: { count: value(types.int) } })
  .on(types.int, (ctx, by) => {
    ctx.state.count = (ctx.state.count ?? 0) + by;
    ctx.reply(types.int, ctx.state.count);
  })
  .on(types.string, (_, text) => {
    throw new Error(`no number: ${text}`);
  });

const patient = statefulFunction("demo/patient").on(types.int, () => new Promise(() => {}));

export const others = [patient, counter];

export const unrelated = { version: 1 };
