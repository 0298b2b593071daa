import { kafka, statefulFunction, types } from "@statefold/sdk";

const Order = types.json<{ egress: string; topic: string; text: string }>("relay/Order");

/** Hands a text on to the topic of an egress, as it is told. */
export const relay = statefulFunction("relay/relay").on(Order, (ctx, { egress, topic, text }) => {
  ctx.egress(egress, kafka({ topic, key: ctx.self.id, value: text }));
});
