import { randomBytes } from "node:crypto";
import { statefulFunction, types, value } from "@statefold/sdk";

/*
 * What the benchmarks of starting and recovering call, inside the node or behind HTTP. `bench/idle` keeps a
 * note and answers with its length, or takes a new one of so many bytes when it is told to `write 4000`;
 * `bench/slow` keeps its messages waiting.
 */
export const idle = statefulFunction("bench/idle", { state: { note: value(types.string) } }).on(
  types.string,
  (ctx, text) => {
    if (text.startsWith("write ")) ctx.state.note = noteOf(Number(text.slice("write ".length)));
    ctx.reply(types.string, String(ctx.state.note?.length ?? 0));
  },
);

/** Text that does not compress to nothing. */
export function noteOf(bytes: number): string {
  return randomBytes(Math.ceil(bytes / 2))
    .toString("hex")
    .slice(0, bytes);
}

/** Longer than any measurement. */
const SLOW_MS = 60_000;

export const slow = statefulFunction("bench/slow").on(types.string, async () => {
  await new Promise((resolve) => {
    setTimeout(resolve, SLOW_MS).unref();
  });
});

/** `FIRST COUNT`: a message to each of so many slow addresses. */
export const flood = statefulFunction("bench/flood").on(types.string, (ctx, text) => {
  const [first = 0, count = 0] = text.split(" ").map(Number);
  for (let n = first; n < first + count; n++) ctx.send(slow.at(idOf(n)), types.string, "wait");
});

/** Of address `n` of those that are built. */
export function idOf(n: number): string {
  return `user-${n.toString().padStart(8, "0")}`;
}
