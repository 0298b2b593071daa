/** What is attacked over sockets: a node, the hostile functions it calls, and a canary beside them. */
import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { serve, statefulFunction, types, value } from "@statefold/sdk";
import { FRAMES_HEADER, FRAMES_TYPE, FRAMES_VERSION, io } from "@statefold/sdk/protocol";

const { FromFunction, ToFunction } = io.statefun.sdk.reqreply;

/** See http-requests.ts. */
export const SMUGGLED = "smuggled";

/** The module of the node. */
export function moduleYaml(hostileUrl: string, canaryUrl: string): string {
  const endpoint = (
    namespace: string,
    url: string,
    rest: string,
  ) => `kind: io.statefun.endpoints.v2/http
spec:
  functions: ${namespace}/*
  urlPathTemplate: ${url}
${rest}`;
  return [
    endpoint(
      ...(["hostile", hostileUrl] as const),
      `  onFailure: deadLetter
  retry: {maxAttempts: 1, initial: 1ms, max: 5ms}
  transport: {type: io.statefun.transports.v1/async, call: 3s, payload_max_bytes: 1000000}
`,
    ),
    endpoint("canary", canaryUrl, ""),
    `kind: io.statefold.log.v1/ingress
spec:
  id: hostile/in
  startupPosition: {type: earliest}
  topics: [{topic: hostile-in, valueType: hostile/Record, targets: [canary/witness]}]
`,
    `kind: io.statefold.log.v1/egress
spec: {id: hostile/out}
`,
  ].join("---\n");
}

/** Correct functions, beside the hostile ones: each call of a counter answers how often it was called. */
export async function serveCanary(): Promise<{ url: string; close: () => Promise<void> }> {
  const counter = statefulFunction("canary/counter", { state: { count: value(types.int) } }).on(
    types.string,
    (ctx) => {
      const count = (ctx.state.count ?? 0) + 1;
      ctx.state.count = count;
      ctx.reply(types.int, count);
    },
  );
  const witness = statefulFunction("canary/witness").onAny(() => {});
  const server = await serve([counter, witness], { port: 0 });
  return { url: server.url, close: () => server.close() };
}

/** How a hostile function answers: bytes over the socket, as it likes. */
export type Answering = (socket: Socket, request: Buffer) => void;

/** A server that reads requests and leaves the answers to whoever is asked for in them. */
export class HostileFunctions {
  readonly #sockets = new Set<Socket>();
  readonly #server = createServer((socket) => this.#take(socket));
  /** Says which answer a request gets, by its body. */
  answering: (request: Buffer) => Answering = () => replying;
  /** The same of a request of many calls. */
  answeringMany: Answering = (socket) => socket.destroy();
  /** Calls for the id that only requests hidden in others name. */
  smuggled = 0;

  async start(): Promise<string> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    const address = this.#server.address();
    return `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}/hostile`;
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, "close");
  }

  #take(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => this.#sockets.delete(socket));
    let received: Buffer = Buffer.alloc(0);
    socket.on("data", (chunk) => {
      received = Buffer.concat([received, chunk]);
      const end = received.indexOf("\r\n\r\n");
      if (end < 0) return;
      const head = received.toString("latin1", 0, end);
      const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0);
      if (received.byteLength < end + 4 + length) return;
      const body = received.subarray(end + 4, end + 4 + length);
      received = received.subarray(end + 4 + length);
      if (body.includes(SMUGGLED)) {
        const id = ToFunction.decode(body).invocation?.target?.id;
        if (id === SMUGGLED) this.smuggled++;
      }
      if (head.includes(FRAMES_TYPE)) this.answeringMany(socket, body);
      else this.answering(body)(socket, body);
    });
  }
}

export function httpAnswer(
  body: Uint8Array,
  status = 200,
  headers: readonly string[] = [],
): Buffer {
  const lines = [
    `HTTP/1.1 ${status} X`,
    "content-type: application/octet-stream",
    `content-length: ${body.byteLength}`,
    ...headers,
  ];
  return Buffer.concat([Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1"), body]);
}

/** The answer of a function that replies to every caller, and takes many calls in one request. */
export const replying: Answering = (socket, request) => {
  const batch = ToFunction.decode(request).invocation?.invocations ?? [];
  const invocationResult = { outgoingMessages: repliesTo(batch) };
  const answer = FromFunction.encode({ invocationResult }).finish();
  socket.write(httpAnswer(answer, 200, [`${FRAMES_HEADER}: ${FRAMES_VERSION}`]));
};

export function repliesTo(
  batch: readonly io.statefun.sdk.reqreply.ToFunction.Invocation.$Properties[],
) {
  const argument = { typename: "io.statefun.types/int", hasValue: true, value: Buffer.of(0x08, 1) };
  return batch.flatMap(({ caller }) => (caller ? [{ target: caller, argument }] : []));
}
