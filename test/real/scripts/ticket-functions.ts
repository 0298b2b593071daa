/** Numbers the tickets of each office, and publishes every one: what kafka-egress.test.ts runs. */
import { kafka, statefulFunction, types, value } from "@statefold/sdk";

export const office = statefulFunction("ticket/office", {
  state: { last: value(types.int) },
}).on(types.string, (ctx, topic) => {
  const number = (ctx.state.last ?? 0) + 1;
  ctx.state.last = number;
  const headers = { office: `office ${ctx.self.id}` };
  const record = { key: ctx.self.id, value: String(number), headers };
  ctx.egress("ticket/printer", kafka({ topic, ...record }));
  ctx.egress("ticket/copier", kafka({ topic: `${topic}-copies`, ...record }));
});
