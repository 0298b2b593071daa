import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { io } from "@statefold/sdk/protocol";
import { describeError, ERRORS, StatefoldError } from "../base/errors.ts";
import { closeServer, listen } from "../base/listen.ts";
import { type Report, silent } from "../base/report.ts";
import type { RoutedMessage } from "../model/source.ts";
import type { TypedValue } from "../model/typed-value.ts";
import { traceparentOf } from "../telemetry/trace.ts";

export interface PlaygroundIngressOptions {
  /** 0: any free one. */
  readonly port: number;
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** Resolves when the message is durable. A StatefoldError's status is the answer's. */
  readonly send: (message: RoutedMessage) => Promise<void>;
  /** The largest body taken, 413 beyond. Default 16 MiB. */
  readonly maxBodyBytes?: number;
  /** Bodies held at once, all together; 429 beyond. Default 256 MiB. */
  readonly maxBufferedBytes?: number;
  /** Requests at once; 429 beyond. Default 1000. */
  readonly maxRequests?: number;
  /** Connections at once; one more is closed as it comes. Default 1000. */
  readonly maxConnections?: number;
  readonly report?: Report;
}

const STRING = "io.statefun.types/string";
const VND = "application/vnd.";

/** Say nothing about the body: plain text. The last is what curl sends by itself. */
const TEXT_TYPES = new Set(["", "text/plain", "application/x-www-form-urlencoded"]);

/**
 * The playground's ingress: any method on `/<namespace>/<function>/<id>`, the body being the value's bytes.
 *
 *   Content-Type: application/vnd.<typename>   the value's type, taken as it is
 *   statefold-type: <typename>                 the same; goes before it
 *   none, or plain text                        io.statefun.types/string, wrapped so that every SDK reads it
 *
 * Unlike StateFun's it answers 200 only when the message is durable, wraps plain text, and refuses a body
 * whose type is not said (415) rather than calling it a string.
 */
export class PlaygroundIngress {
  readonly #options: PlaygroundIngressOptions;
  readonly #server: Server;
  readonly #running = new Set<Promise<void>>();
  /** Requests whose bodies are still coming. */
  readonly #reading = new Set<IncomingMessage>();
  readonly #maxBodyBytes: number;
  readonly #maxBufferedBytes: number;
  readonly #maxRequests: number;
  #heldBytes = 0;
  #port: number | undefined;
  #stopping: Promise<void> | undefined;

  constructor(options: PlaygroundIngressOptions) {
    this.#options = options;
    this.#maxBodyBytes = options.maxBodyBytes ?? 16 * 1024 * 1024;
    this.#maxBufferedBytes = options.maxBufferedBytes ?? 256 * 1024 * 1024;
    this.#maxRequests = options.maxRequests ?? 1000;
    this.#server = createServer((request, response) => {
      const handling = this.#handle(request, response).finally(() =>
        this.#running.delete(handling),
      );
      this.#running.add(handling);
    });
    this.#server.maxConnections = options.maxConnections ?? 1000;
  }

  /** The port it listens on; undefined before it has started. */
  get port(): number | undefined {
    return this.#port;
  }

  /** CONFIG_INVALID when the port cannot be had. */
  async start(): Promise<void> {
    this.#port = await listen(this.#server, this.#options.host ?? "127.0.0.1", this.#options.port);
  }

  /** Answers what it has taken whole, then closes every connection. Idempotent. */
  async stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    await this.#stopping;
  }

  async #stop(): Promise<void> {
    this.#server.close();
    // Whoever still sends may never end.
    for (const request of this.#reading) request.destroy();
    await Promise.all(this.#running);
    await closeServer(this.#server);
  }

  /** Never rejects. */
  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let held = 0;
    const hold = (bytes: number) => {
      held += bytes;
      this.#heldBytes += bytes;
      if (held > this.#maxBodyBytes) {
        const message = `the body has more than ${this.#maxBodyBytes} bytes`;
        throw new StatefoldError("VALUE_TOO_LARGE", message);
      }
      if (this.#heldBytes > this.#maxBufferedBytes) {
        const message = `bodies of ${this.#maxBufferedBytes} bytes are being held already`;
        throw new StatefoldError("OVERLOADED", message);
      }
    };
    try {
      if (this.#running.size >= this.#maxRequests) {
        const message = `${this.#maxRequests} requests are being answered already`;
        throw new StatefoldError("OVERLOADED", message);
      }
      const target = targetOf(request.url ?? "/");
      const typename = typenameOf(request);
      const body = await this.#readBody(request, hold);
      const value = typedValueOf(typename, body);
      const { traceparent: trace } = request.headers;
      const traceparent = traceparentOf(trace);
      await this.#options.send({ target, value, headers: [], traceparent });
      response.writeHead(200).end();
    } catch (error) {
      this.#refuse(request, response, error);
    } finally {
      this.#heldBytes -= held;
    }
  }

  async #readBody(request: IncomingMessage, hold: (bytes: number) => void): Promise<Buffer> {
    this.#reading.add(request);
    try {
      return await readBody(request, hold);
    } finally {
      this.#reading.delete(request);
    }
  }

  #refuse(request: IncomingMessage, response: ServerResponse, error: unknown): void {
    if (request.destroyed && !request.complete) {
      response.destroy();
      return;
    }
    const code = error instanceof StatefoldError ? error.code : "INTERNAL";
    let status: number = ERRORS[code].status;
    if (error instanceof UnsupportedType) status = 415;
    if (code === "INTERNAL") {
      const reason = describeError(error);
      (this.#options.report ?? silent)("error", "A playground request failed.", { reason });
    }
    const detail = code === "INTERNAL" ? ERRORS.INTERNAL.summary : describeError(error);
    const body = JSON.stringify({ code, title: ERRORS[code].summary, status, detail });
    // What is left of a body that was refused is not waited for.
    const headers = { "content-type": "application/problem+json", connection: "close" };
    response.writeHead(status, headers).end(body);
  }
}

class UnsupportedType extends StatefoldError {}

function targetOf(url: string): RoutedMessage["target"] {
  const path = url.split("?", 1)[0] ?? "";
  const [start, ...segments] = path.split("/");
  const [namespace, name, id] = segments.map(decodeSegment);
  if (start !== "" || segments.length !== 3 || !namespace || !name || !id) {
    const message = `${path} is no address: the path is /<namespace>/<function>/<id>, none of them empty`;
    throw new StatefoldError("REQUEST_INVALID", message);
  }
  if (namespace.includes("/") || name.includes("/")) {
    const message = `${path} is no address: neither namespace nor function may hold a '/'`;
    throw new StatefoldError("REQUEST_INVALID", message);
  }
  return { type: `${namespace}/${name}`, id };
}

function decodeSegment(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch (cause) {
    const message = `${segment} in the path is not percent-encoded UTF-8`;
    throw new StatefoldError("REQUEST_INVALID", message, { cause });
  }
}

/** Undefined: plain text. */
function typenameOf(request: IncomingMessage): string | undefined {
  const own = request.headers["statefold-type"];
  if (typeof own === "string" && own !== "") return own;
  const type = (request.headers["content-type"] ?? "").split(";", 1)[0]?.trim() ?? "";
  if (type.startsWith(VND) && type.length > VND.length) return type.slice(VND.length);
  if (TEXT_TYPES.has(type)) return undefined;
  const message = `Content-Type ${type} does not say the value's type: send application/vnd.<namespace>/<name>, or text/plain for a string`;
  throw new UnsupportedType("REQUEST_INVALID", message);
}

function typedValueOf(typename: string | undefined, body: Buffer): TypedValue {
  if (typename !== undefined) return { typename, hasValue: true, value: body };
  const wrapper = { value: body.toString("utf8") };
  const value = io.statefun.sdk.types.StringWrapper.encode(wrapper).finish();
  return { typename: STRING, hasValue: true, value };
}

async function readBody(request: IncomingMessage, hold: (bytes: number) => void): Promise<Buffer> {
  const chunks: Buffer[] = [];
  // The connection outlives a refusal, so that it can be told.
  const parts: AsyncIterable<Buffer> = request.iterator({ destroyOnReturn: false });
  for await (const chunk of parts) {
    hold(chunk.byteLength);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
