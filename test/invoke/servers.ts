import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { type AddressInfo, createServer as createTcpServer, type Socket } from "node:net";
import type { TestContext } from "node:test";
import type { Invoker } from "../../src/invoke/contract.ts";
import { openHttpInvoker } from "../../src/invoke/http.ts";
import type { Outcome } from "../../src/model/invocation.ts";
import type { HttpEndpoint, Transport } from "../../src/spec/module.ts";
import { outcomeOf } from "../support/outcomes.ts";
import { anInvocation } from "./invocations.ts";

export type Answer = (request: IncomingMessage, response: ServerResponse, body: Buffer) => void;

/** An HTTP server on a free port; gone with the test. Returns its URL. */
export async function httpServer(t: TestContext, answer: Answer): Promise<string> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => answer(request, response, Buffer.concat(chunks)));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/**
 * A server that speaks no HTTP of its own: `onRequest` is called with the socket once a whole request has
 * come in, and with how many came before, over all sockets.
 */
export async function rawServer(
  t: TestContext,
  onRequest: (socket: Socket, before: number) => void,
): Promise<string> {
  const sockets = new Set<Socket>();
  let before = 0;
  const server = createTcpServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
    let received = Buffer.alloc(0);
    socket.on("data", (chunk) => {
      received = Buffer.concat([received, chunk]);
      const end = received.indexOf("\r\n\r\n");
      const length = /content-length: (\d+)/.exec(received.toString("latin1"))?.[1];
      if (end < 0 || received.byteLength < end + 4 + Number(length)) return;
      received = Buffer.alloc(0);
      onRequest(socket, before++);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

export const OCTET_STREAM = "application/octet-stream";

/** A well-formed answer, head and body, as it goes over a socket. */
export function rawAnswer(body: Uint8Array | string, ...headers: string[]): Buffer {
  const bytes = Buffer.from(body);
  const head = [
    "HTTP/1.1 200 OK",
    `content-type: ${OCTET_STREAM}`,
    `content-length: ${bytes.byteLength}`,
    ...headers,
  ];
  return Buffer.concat([Buffer.from(`${head.join("\r\n")}\r\n\r\n`), bytes]);
}

/** Limits that no healthy exchange of a test comes near. */
export const TRANSPORT: Transport = {
  type: "async",
  callMs: 60_000,
  connectMs: 60_000,
  readMs: 0,
  writeMs: 0,
  poolTtlMs: 0,
  poolSize: 1024,
  payloadMaxBytes: 1_000_000,
  tls: {
    trustCaCerts: undefined,
    clientCert: undefined,
    clientKey: undefined,
    clientKeyPassword: undefined,
  },
};

export function anEndpoint(url: string, differences: Partial<Transport> = {}): HttpEndpoint {
  return {
    kind: "http",
    place: { file: "module.yaml", line: 3, column: 5 },
    functions: { namespace: "demo", name: undefined },
    urlPathTemplate: url,
    transport: { ...TRANSPORT, ...differences },
    onFailure: "park",
    retry: { maxAttempts: 3, initialMs: 10, maxMs: 100 },
    concurrency: 64,
    delivery: "immediate",
    maxNumBatchRequests: 1000,
  };
}

/** An invoker of one endpoint; closed with the test. */
export async function anInvoker(
  t: TestContext,
  url: string,
  differences: Partial<Transport> = {},
  concurrency = 64,
): Promise<Invoker> {
  const endpoint = { ...anEndpoint(url, differences), concurrency };
  const invoker = await openHttpInvoker(endpoint, () => 0);
  t.after(() => invoker.close());
  return invoker;
}

/** A call that nobody cancels. */
export function call(invoker: Invoker, differences = {}): Promise<Outcome> {
  return outcomeOf(invoker, anInvocation(differences), new AbortController().signal);
}

/** The kind of an outcome and its reason, to be matched at once: "failed: …". */
export function told(outcome: Outcome): string {
  return "reason" in outcome ? `${outcome.kind}: ${outcome.reason}` : outcome.kind;
}
