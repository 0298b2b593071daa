import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { nodeHandler, statefulFunction, types, value } from "@statefold/sdk";
import { serveParent } from "../support/processes.ts";

/*
 * The functions of the isolation benchmark, in a process that misbehaves when it is told to. It runs
 * twice: once for everybody else, once for those that make trouble and should only hurt themselves.
 */
export interface Mood {
  /** The endpoint: nobody listens, or it takes requests and never answers. Default "up". */
  readonly endpoint?: "up" | "down" | "hangs";
  /** The id that always fails. */
  readonly poisonId?: string;
  /** Messages of this id take 1 ms each. */
  readonly slowId?: string;
}

export interface FunctionsPlace {
  readonly port: number;
}

const HEAVY_BYTES = 10 * 1024 * 1024;
const VERBOSE_BYTES = 1024 * 1024;

let mood: Mood = {};

const counted = { count: value(types.int) };

/** Counts, replies the total; it is what every account at the end is drawn from. */
const counter = (name: `${string}/${string}`) =>
  statefulFunction(name, { state: counted }).on(types.int, async (ctx, by) => {
    const { id } = ctx.self;
    if (id === mood.poisonId) throw new Error(`${id} is poison`);
    if (id === mood.slowId) await pause(1);
    const total = ((ctx.state.count ?? 0) + by) | 0;
    ctx.state.count = total;
    // Those who tell many others at once would take a total for an order to do it again.
    if (!ctx.caller?.type.startsWith("trouble/")) ctx.reply(types.int, total);
  });

/** Its state is 10 MB; each call changes a few bytes of it. */
const heavy = statefulFunction("trouble/heavy", {
  state: { ...counted, ballast: value(types.bytes) },
}).on(types.int, (ctx, by) => {
  if (ctx.state.count === undefined) ctx.state.ballast = new Uint8Array(HEAVY_BYTES).fill(7);
  const total = (ctx.state.count ?? 0) + by;
  ctx.state.count = total;
  ctx.reply(types.int, total);
});

/** Tells so many others at once: of its own type's namespace, or of everybody's type. */
const burst = (name: `${string}/${string}`, to: string) =>
  statefulFunction(name).on(types.int, (ctx, many) => {
    for (let i = 0; i < many; i++) ctx.send({ type: to, id: `leaf-${i}` }, types.int, 1);
  });

/** Replies a megabyte. */
const verbose = statefulFunction("trouble/verbose").on(types.int, (ctx) => {
  ctx.reply(types.bytes, new Uint8Array(VERBOSE_BYTES));
});

const handler = nodeHandler(
  [
    counter("bench/counter"),
    counter("trouble/counter"),
    heavy,
    burst("trouble/burst", "trouble/counter"),
    burst("trouble/crowd", "bench/counter"),
    verbose,
  ],
  { onError: () => {} },
);

const hanging = new Set<ServerResponse>();
const server = createServer((request: IncomingMessage, response: ServerResponse) => {
  if (mood.endpoint === "hangs") hanging.add(response);
  else handler(request, response);
});
server.keepAliveTimeout = 75_000;
let port = 0;

async function listen(): Promise<void> {
  if (server.listening) return;
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  port = (server.address() as AddressInfo).port;
}

async function become(next: Mood): Promise<void> {
  mood = next;
  const isHanging = mood.endpoint === "hangs";
  if (!isHanging) for (const response of hanging) response.destroy();
  if (!isHanging) hanging.clear();
  if (mood.endpoint !== "down") await listen();
  else {
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await closed;
  }
}

serveParent(async (next: Mood): Promise<FunctionsPlace> => {
  await become(next);
  return { port };
});
