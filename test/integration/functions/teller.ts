import { kafka, statefulFunction, types } from "@statefold/sdk";

/** Tells the topic `told` what it is told, and the id of the message that told it. */
export const teller = statefulFunction("test/teller").on(types.string, (ctx, text) => {
  const value = JSON.stringify({ text, messageId: ctx.messageId });
  ctx.egress("test/out", kafka({ topic: "told", key: ctx.self.id, value }));
  ctx.reply(types.string, text);
});
