/**
 * The functions between two topics, `counters` in one process, `mirrors` in another. Every step writes a
 * record, numbered by its address, so that the topic alone says what was done how often, and in which order.
 */
import { kafka, serve, statefulFunction, types, value } from "@statefold/sdk";
import {
  type Counts,
  delayOf,
  type Kind,
  NOTHING,
  neighboursOf,
  type Order,
  OUT,
  sendsAgain,
  setsTimer,
  type Written,
} from "../kafka/messages.ts";

const [port, which, ids] = process.argv.slice(2);

const Ordered = types.json<Order>("shop/Order");
const Told = types.json<{ readonly from: string; readonly n: number }>("shop/Told");
const Again = types.json<{ readonly n: number }>("shop/Again");
const Ring = types.json<{ readonly n: number }>("shop/Ring");
const state = { counts: value(types.json<Counts>("shop/Counts")) };

interface Context {
  readonly self: { readonly id: string };
  readonly state: { counts: Counts | undefined };
  egress(id: string, record: ReturnType<typeof kafka>): void;
}

/** Counts one more of its kind, and writes that down. */
function count(ctx: Context, kind: Kind, n: number, from?: string): number {
  const { id } = ctx.self;
  const before = ctx.state.counts ?? NOTHING;
  const counts = { ...before, [kind]: before[kind] + 1, seq: before.seq + 1 };
  ctx.state.counts = counts;
  const { [kind]: now, seq } = counts;
  const written: Written = {
    kind,
    id,
    n,
    count: now,
    seq,
    ...(from === undefined ? {} : { from }),
  };
  ctx.egress("shop/out", kafka({ topic: OUT, key: id, value: JSON.stringify(written) }));
  return now;
}

const mirror = statefulFunction("shop/mirror", { state }).on(Told, (ctx, { from, n }) => {
  count(ctx, "heard", n, from);
});

const counter = statefulFunction("shop/counter", { state })
  .on(Ordered, (ctx, { n }) => {
    const counted = count(ctx, "counted", n);
    const { id } = ctx.self;
    for (const neighbour of neighboursOf(id, Number(ids))) {
      ctx.send(mirror.at(neighbour), Told, { from: id, n: counted });
    }
    if (sendsAgain(counted)) ctx.send(ctx.self, Again, { n: counted });
    if (setsTimer(counted)) ctx.sendAfter(delayOf(id, counted), ctx.self, Ring, { n: counted });
  })
  .on(Again, (ctx, { n }) => {
    count(ctx, "again", n);
  })
  .on(Ring, (ctx, { n }) => {
    count(ctx, "rung", n);
  });

const { url } = await serve(which === "counters" ? [counter] : [mirror], { port: Number(port) });
process.stdout.write(`serving at ${url}\n`);
