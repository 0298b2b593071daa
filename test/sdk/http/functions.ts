/** One small function for the adapters' tests, and what they send it. */
import { statefulFunction, types, value } from "@statefold/sdk";
import { empty, message, requestBytes } from "../wire.ts";

export const counter = statefulFunction("demo/counter", { state: { count: value(types.int) } }).on(
  types.int,
  (ctx, by) => {
    if (by < 0) throw new Error("only upwards");
    ctx.state.count = (ctx.state.count ?? 0) + by;
  },
);

export function add(by: number): Uint8Array<ArrayBuffer> {
  const messages = [message(types.int, by)];
  return Uint8Array.from(
    requestBytes({ type: counter.typename, id: "ada", state: [empty("count")], messages }),
  );
}

export const BINARY = "application/octet-stream";
