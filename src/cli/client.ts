import { type ClientRequest, type IncomingMessage, request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { ERRORS, type ErrorCode, StatefoldError } from "../base/errors.ts";
import { usage } from "./usage.ts";

export interface ClientRequestOptions {
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

export interface ClientAnswer {
  readonly status: number;
  readonly header: (name: string) => string | undefined;
  readonly body: IncomingMessage;
}

/**
 * A node's HTTP API from outside. Paths are sent as they are, not through a URL object, which would resolve
 * an id of ".." away.
 */
export class Client {
  readonly #base: URL;
  readonly #text: string;

  /** @throws USAGE */
  constructor(url: string) {
    this.#text = url;
    const base = URL.canParse(url) ? new URL(url) : undefined;
    if (base === undefined || !/^https?:$/.test(base.protocol)) {
      throw usage(`--url ${url} is no address like http://127.0.0.1:8080`);
    }
    this.#base = base;
  }

  get url(): string {
    return this.#text;
  }

  /**
   * The answer's head; its body is the caller's to read.
   *
   * @param path encoded, begins with '/'
   * @throws UNAVAILABLE when nobody answers; the answer's own code when it is a problem
   */
  async open(
    method: string,
    path: string,
    options: ClientRequestOptions = {},
  ): Promise<ClientAnswer> {
    const body = await this.#exchange(method, path, options);
    const status = body.statusCode ?? 0;
    if (status >= 400) throw problemOf(status, await readAll(body), this.#text);
    const header = (name: string) => {
      const value = body.headers[name];
      return Array.isArray(value) ? value[0] : value;
    };
    return { status, header, body };
  }

  /** The answer's body as JSON, in the shape that docs/http.md gives it. */
  async json<T>(method: string, path: string, options: ClientRequestOptions = {}): Promise<T> {
    const { body } = await this.open(method, path, options);
    const bytes = await readAll(body);
    try {
      return JSON.parse(bytes.toString("utf8")) as T;
    } catch {
      throw new StatefoldError("UNAVAILABLE", `what answers at ${this.#text} is no statefold node`);
    }
  }

  #exchange(method: string, path: string, options: ClientRequestOptions): Promise<IncomingMessage> {
    const { hostname, port, protocol, pathname } = this.#base;
    const request = protocol === "https:" ? requestHttps : requestHttp;
    const headers: Record<string, string | number> = { ...options.headers };
    if (options.body !== undefined) headers["content-length"] = Buffer.byteLength(options.body);
    return new Promise((resolve, reject) => {
      const sent: ClientRequest = request({
        // A host of IPv6 stands in brackets in a URL, and without them everywhere else.
        host: hostname.replace(/^\[(.*)\]$/, "$1"),
        port,
        method,
        path: pathname.replace(/\/$/, "") + path,
        headers,
      });
      let isConnected = false;
      sent.once("socket", (socket) => socket.once("connect", () => (isConnected = true)));
      sent.once("response", resolve);
      sent.once("error", (error: NodeJS.ErrnoException) => {
        const why = error.code ?? error.message;
        const text = isConnected
          ? `the node at ${this.#text} broke off before it answered (${why}); whether it has taken this is not known`
          : `no node answers at ${this.#text} (${why}); start one with "statefold run module.yaml", or name another with --url`;
        reject(new StatefoldError("UNAVAILABLE", text));
      });
      sent.end(options.body);
    });
  }
}

export async function readAll(body: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks);
}

interface Problem {
  readonly code?: string;
  readonly detail?: string;
  readonly callId?: string;
}

function problemOf(status: number, body: Buffer, url: string): StatefoldError {
  let problem: Problem = {};
  try {
    problem = JSON.parse(body.toString("utf8")) as Problem;
  } catch {
    // Not a node's answer: a proxy's page, or something else on this port.
  }
  const { code, detail } = problem;
  if (code === undefined || detail === undefined || !(code in ERRORS)) {
    const what = `${url} answered ${status}, and not as a statefold node does`;
    return new StatefoldError("UNAVAILABLE", what);
  }
  return new StatefoldError(code as ErrorCode, detail);
}

/** `/v1/…/{namespace}/{name}/{id}`, encoded. */
export function addressPath(type: string, id: string): string {
  const slash = type.indexOf("/");
  if (slash <= 0 || slash === type.length - 1 || type.includes("/", slash + 1)) {
    throw usage(`${type} is no function type; it looks like demo/counter`);
  }
  if (id === "") throw usage("the id is empty");
  const parts = [type.slice(0, slash), type.slice(slash + 1), id];
  return parts.map(encodeURIComponent).join("/");
}
