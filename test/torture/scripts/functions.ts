/**
 * The functions that are tortured: `counters` in one process, `mirrors` and their ledgers in another. Every
 * step writes a record, so that the topics alone say what was done how often, and in which order.
 */
import { randomBytes } from "node:crypto";
import { kafka, serve, statefulFunction, types, value } from "@statefold/sdk";
import {
  type Add,
  type Added,
  delayOf,
  type Heard,
  ledgerOf,
  neighboursOf,
  type Rung,
  type Tallies,
} from "../messages.ts";

const Adding = types.json<Add>("torture/Add");
const Told = types.json<Added>("torture/Told");
const Ring = types.json<Omit<Rung, "atMs">>("torture/Ring");
const Counted = types.json<{ readonly n: number; readonly total: number }>("torture/Counted");
const Tally = types.json<{ readonly mirror: string; readonly heard: number }>("torture/Tally");
const TalliesType = types.json<Tallies>("torture/Tallies");

const ledger = statefulFunction("torture/ledger", { state: { tallies: value(TalliesType) } }).on(
  Tally,
  (ctx, { mirror, heard }) => {
    const tallies = ctx.state.tallies ?? { heard: {}, outOfTurn: 0 };
    const isInTurn = heard === (tallies.heard[mirror] ?? 0) + 1;
    ctx.state.tallies = {
      heard: { ...tallies.heard, [mirror]: heard },
      outOfTurn: tallies.outOfTurn + (isInTurn ? 0 : 1),
    };
  },
);

/** So that tables are written and merged all the time. */
const PADDING_BYTES = 4096;

const mirror = statefulFunction("torture/mirror", {
  state: { heard: value(types.int), padding: value(types.bytes) },
}).on(Told, (ctx, { id, total }) => {
  const heard = (ctx.state.heard ?? 0) + 1;
  ctx.state.heard = heard;
  ctx.state.padding = randomBytes(PADDING_BYTES);
  write(ctx, "heard", { mirror: ctx.self.id, id, total, heard });
  ctx.send(ledger.at(ledgerOf(ctx.self.id)), Tally, { mirror: ctx.self.id, heard });
});

const counter = statefulFunction("torture/counter", { state: { total: value(types.int) } })
  .on(Adding, (ctx, { source, n }) => {
    const total = (ctx.state.total ?? 0) + 1;
    ctx.state.total = total;
    const { id } = ctx.self;
    const added = { id, source, n, total };
    write(ctx, "added", added);
    for (const neighbour of neighboursOf(id)) ctx.send(mirror.at(neighbour), Told, added);
    const delayMs = delayOf(total);
    ctx.sendAfter(delayMs, ctx.self, Ring, { id, total, dueAtMs: Date.now() + delayMs });
    ctx.reply(Counted, { n, total });
  })
  .on(Ring, (ctx, ring) => write(ctx, "rung", { ...ring, atMs: Date.now() }));

interface Writer {
  readonly self: { readonly id: string };
  egress(id: string, record: ReturnType<typeof kafka>): void;
}

function write(ctx: Writer, topic: string, record: Added | Heard | Rung): void {
  ctx.egress("torture/topics", kafka({ topic, key: ctx.self.id, value: JSON.stringify(record) }));
}

const [port, which] = process.argv.slice(2);
const functions = which === "counters" ? [counter] : [mirror, ledger];
const { url } = await serve(functions, { port: Number(port) });
process.stdout.write(`serving at ${url}\n`);
