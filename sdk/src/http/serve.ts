import type { Server, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { describeThrown, type SdkError } from "../errors.ts";
import type { Functions } from "../handler.ts";
import { nodeHandler } from "./node-handler.ts";
import type { AdapterOptions } from "./options.ts";

export interface ServeOptions extends AdapterOptions {
  /** Default: 9000. 0 takes a free one. */
  readonly port?: number;
  /** Default: 127.0.0.1, this machine only. In a container: "0.0.0.0". */
  readonly host?: string;
  /** Connections at once; one more is closed as it comes. Default: 4096. */
  readonly maxConnections?: number;
}

/** A running HTTP server with functions behind it. */
export interface FunctionServer extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  /** For the `urlPathTemplate` of a module; any path will do. */
  readonly url: string;
  /** Takes no more requests, finishes those it has, and resolves when all connections are closed. Idempotent. */
  close(): Promise<void>;
}

/**
 * A runtime keeps its connections for 15 to 18 s. A server that closes an idle one first (node's own
 * default is 5 s) does so now and then just as the next request is on its way.
 */
const KEEP_ALIVE_MS = 75_000;

/**
 * Serves functions over HTTP with node's own server, at any path. Errors are written to stderr unless
 * `onError` takes them.
 *
 * @throws what the system says when the port cannot be had (by rejecting).
 */
export async function serve(
  functions: Functions,
  options: ServeOptions = {},
): Promise<FunctionServer> {
  const handler = nodeHandler(functions, { onError: writeToStderr, ...options });
  const { createServer } = await import("node:http"); // not at the top: the SDK runs elsewhere too
  const busy = new Set<ServerResponse>();
  const server = createServer((request, response) => {
    busy.add(response);
    response.once("close", () => busy.delete(response));
    handler(request, response);
  });
  server.maxConnections = options.maxConnections ?? 4096;
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  server.headersTimeout = KEEP_ALIVE_MS + 5_000; // below it, a request on an old connection is cut off
  const { address, port, family } = await listen(server, options);
  const host = family === "IPv6" ? `[${address}]` : address;
  let closing: Promise<void> | undefined;
  const close = () => {
    closing ??= drain(server, busy);
    return closing;
  };
  return {
    host: address,
    port,
    url: `http://${host}:${port}/`,
    close,
    [Symbol.asyncDispose]: close,
  };
}

function listen(server: Server, options: ServeOptions): Promise<AddressInfo> {
  const { port = 9000, host = "127.0.0.1" } = options;
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      server.off("error", reject);
      resolve(server.address() as AddressInfo); // always this, for a port
    });
  });
}

function drain(server: Server, busy: ReadonlySet<ServerResponse>): Promise<void> {
  return new Promise((resolve, reject) => {
    for (const response of busy) response.shouldKeepAlive = false;
    server.close((error) => (error === undefined ? resolve() : reject(error)));
    server.closeIdleConnections();
  });
}

function writeToStderr(error: SdkError): void {
  const thrown = error.cause;
  const stack =
    thrown instanceof Error && error.code === "HANDLER_FAILED" ? thrown.stack : undefined;
  process.stderr.write(`${error.code} ${describeThrown(error)}\n${stack ? `${stack}\n` : ""}`);
}
