/**
 * Counts, and tells: what crash.test.ts runs. Every step writes a record, so that the topics alone say what
 * was done how often, and in which order.
 */
import { kafka, serve, statefulFunction, types, value } from "@statefold/sdk";
import { type Added, type Heard, NEIGHBOURS, neighbourOf } from "../counting.ts";

const Add = types.json<{ readonly source: string; readonly n: number }>("count/Add");
const Told = types.json<Added>("count/Told");

const mirror = statefulFunction("count/mirror", {
  state: { heard: value(types.int) },
}).on(Told, (ctx, added) => {
  const heard = (ctx.state.heard ?? 0) + 1;
  ctx.state.heard = heard;
  write(ctx, "heard", { mirror: ctx.self.id, heard, ...added });
});

const late = statefulFunction("count/late").on(Told, (ctx, added) => write(ctx, "late", added));

const counter = statefulFunction("count/counter", {
  state: { total: value(types.int) },
}).on(Add, (ctx, { source, n }) => {
  const total = (ctx.state.total ?? 0) + 1;
  ctx.state.total = total;
  const added = { id: ctx.self.id, source, n, total };
  write(ctx, "added", added);
  for (let step = 1; step <= NEIGHBOURS; step++) {
    ctx.send(mirror.at(neighbourOf(ctx.self.id, step)), Told, added);
  }
  ctx.sendAfter(30, late.at(ctx.self.id), Told, added);
});

interface Writer {
  readonly self: { readonly id: string };
  egress(id: string, record: ReturnType<typeof kafka>): void;
}

function write(ctx: Writer, topic: string, record: Added | Heard): void {
  ctx.egress("count/topics", kafka({ topic, key: ctx.self.id, value: JSON.stringify(record) }));
}

const { url } = await serve([counter, mirror, late], { port: Number(process.argv[2]) });
process.stdout.write(`serving at ${url}\n`);
