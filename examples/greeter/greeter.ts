import { statefulFunction, types, value } from "@statefold/sdk";

/** Greets whoever asks, and remembers how often it was asked under this id. */
export const greeter = statefulFunction("example/greeter", {
  state: { visits: value(types.int) },
}).on(types.string, (ctx, greeting) => {
  const visits = (ctx.state.visits ?? 0) + 1;
  ctx.state.visits = visits;
  ctx.reply(types.string, `${greeting}, ${ctx.self.id}! You were here ${visits} times.`);
});
