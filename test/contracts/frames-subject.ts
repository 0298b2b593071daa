/** A server that does what is asked of one that offers frames: our SDK's. */
import { once } from "node:events";
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type ServerResponse,
} from "node:http";
import type { AddressInfo } from "node:net";
import type { ReadableStream } from "node:stream/web";
import type { TestContext } from "node:test";
import { type FetchHandler, statefulFunction, types, value } from "@statefold/sdk";
import { CONFORMANCE_TYPE } from "./frames-asking.ts";

const WAIT_MS = 1_000;

export const conformance = statefulFunction(CONFORMANCE_TYPE, {
  state: { count: value(types.int) },
}).on(types.string, async (ctx, text) => {
  if (text === "fail") throw new Error("as asked");
  if (text === "wait") await new Promise((resolve) => setTimeout(resolve, WAIT_MS));
  ctx.state.count = (ctx.state.count ?? 0) + 1;
  ctx.reply(types.int, ctx.state.count);
});

/** On a free port, until the test is over. Returns its URL. */
export async function listening(t: TestContext, handler: RequestListener): Promise<string> {
  const server = createServer(handler);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

/** Serves a fetch-style handler by node's server, as frameworks do. */
export async function relay(
  handle: FetchHandler,
  incoming: IncomingMessage,
  body: ReadableStream<Uint8Array> | Uint8Array,
  outgoing: ServerResponse,
): Promise<void> {
  const headers = Object.entries(incoming.headers).map(([name, text]) => [name, String(text)]);
  const request = new Request("http://functions/", {
    ...{ method: incoming.method ?? "", headers: new Headers(headers as [string, string][]) },
    ...{ body, duplex: "half" },
  } as RequestInit);
  const response = await handle(request);
  outgoing.writeHead(response.status, Object.fromEntries(response.headers));
  outgoing.flushHeaders();
  for await (const piece of response.body ?? []) outgoing.write(piece);
  outgoing.end();
}
