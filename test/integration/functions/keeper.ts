import { statefulFunction, types, value } from "@statefold/sdk";

/** Keeps what it is given, and tells how much it has. */
export const keeper = statefulFunction("test/keeper", { state: { kept: value(types.bytes) } })
  .on(types.bytes, (ctx, bytes) => {
    ctx.state.kept = bytes;
    ctx.reply(types.int, bytes.byteLength);
  })
  .on(types.string, (ctx) => {
    ctx.reply(types.int, ctx.state.kept?.byteLength ?? 0);
  });
