import { connect as connectTcp, isIP, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import type { buildConnector, Dispatcher } from "undici";
import Client from "undici/lib/dispatcher/client.js";
import type { EndpointUrl } from "../spec/endpoint-url.ts";
import type { TlsMaterial } from "./tls.ts";

/**
 * One keep-alive connection: an undici client with a socket of our own making, so that we know what a
 * pool would hide: whether a request met a used socket, whether a byte came back, whether the request is
 * still going out, and a socket that can be destroyed while it is connecting.
 *
 * One request at a time; its owner returns it between two.
 */
export interface ConnectionOptions {
  readonly connectMs: number;
  /** Silence allowed while a request goes out; 0: any. */
  readonly writeMs: number;
  /** An idle connection is closed after so long. Default: IDLE_MS. */
  readonly idleMs?: number;
  readonly tls: TlsMaterial;
  /** TLS sessions to resume, by origin; shared by the connections of an endpoint. */
  readonly sessions: Map<string, Buffer>;
}

/** Idle connections are closed after so long, or earlier when the server says so (`Keep-Alive`). */
const IDLE_MS = 60_000;
/** Origins whose TLS sessions are kept; a template with the function's name in its host may lead to any number. */
const SESSIONS_MAX = 1_000;
const TCP_KEEP_ALIVE_MS = 60_000;

/** A time limit that was reached, with what was waited for. */
export class TimeLimitError extends Error {
  override readonly name = "TimeLimitError";
}

export class Connection {
  readonly #client: Client;
  readonly #url: EndpointUrl;
  readonly #options: ConnectionOptions;
  #socket: Socket | undefined;
  #exchanges = 0;
  #bytesReadBefore = 0;
  #destroyed = false;

  /** @param onGone called when the socket has closed, whoever closed it */
  constructor(url: EndpointUrl, options: ConnectionOptions, onGone: () => void) {
    this.#url = url;
    this.#options = options;
    this.#client = new Client(url.origin, {
      connect: (target, callback) => this.#connect(target, callback),
      keepAliveTimeout: options.idleMs ?? IDLE_MS,
      // Ours are exact and count what undici's do not.
      headersTimeout: 0,
      bodyTimeout: 0,
    });
    this.#client.on("disconnect", onGone);
  }

  get destroyed(): boolean {
    return this.#destroyed;
  }

  /** May take another request. */
  get usable(): boolean {
    return !this.#destroyed && this.#socket !== undefined && !this.#socket.destroyed;
  }

  /** The present request met a socket that had served one before. */
  get reused(): boolean {
    return this.#exchanges > 1;
  }

  /** Bytes of an answer to the present request have arrived. */
  get answered(): boolean {
    return (this.#socket?.bytesRead ?? 0) > this.#bytesReadBefore;
  }

  /** Bytes of the present request have not left yet. */
  get writing(): boolean {
    return (this.#socket?.writableLength ?? 0) > 0;
  }

  send(request: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): void {
    this.#exchanges++;
    this.#bytesReadBefore = this.#socket?.bytesRead ?? 0;
    this.#client.dispatch(request, handler);
  }

  /** Closes at once; a request in flight ends with an error. */
  destroy(): Promise<void> {
    this.#destroyed = true;
    this.#socket?.destroy();
    return this.#client.destroy();
  }

  #connect(target: buildConnector.Options, callback: buildConnector.Callback): void {
    const { connectMs, writeMs } = this.#options;
    const socket = this.#openSocket(target);
    this.#socket = socket;
    this.#exchanges = Math.min(this.#exchanges, 1);
    this.#bytesReadBefore = 0;

    let waiting = true;
    const settle = (...result: Parameters<buildConnector.Callback>): void => {
      if (!waiting) return;
      waiting = false;
      clearTimeout(timer);
      callback(...result);
    };
    const timer = setTimeout(() => {
      socket.destroy(new TimeLimitError(`no connection within ${connectMs} ms`));
    }, connectMs);
    socket.once(target.protocol === "https:" ? "secureConnect" : "connect", () => {
      settle(null, socket);
    });
    socket.on("error", (error) => settle(error, null));
    socket.once("close", () => settle(new Error("the connection was closed as it opened"), null));
    if (writeMs === 0) return;
    // Node counts a write that makes progress as activity, so this is silence, not slowness.
    socket.setTimeout(writeMs, () => {
      if (socket.writableLength === 0) return;
      socket.destroy(new TimeLimitError(`the request did not move for ${writeMs} ms`));
    });
  }

  #openSocket(target: buildConnector.Options): Socket {
    const { tls, sessions } = this.#options;
    const { origin, socketPath } = this.#url;
    const secure = target.protocol === "https:";
    const port = Number(target.port) || (secure ? 443 : 80);
    const where = socketPath === undefined ? { host: target.hostname, port } : { path: socketPath };
    const options = { ...where, keepAlive: true, keepAliveInitialDelay: TCP_KEEP_ALIVE_MS };
    if (!secure) return connectTcp({ ...options, noDelay: true });
    const session = sessions.get(origin);
    const socket = connectTls({
      ...options,
      ...tls,
      ...(session && { session }),
      ...(isIP(target.hostname) === 0 && { servername: target.hostname }),
      ALPNProtocols: ["http/1.1"],
    });
    socket.setNoDelay(true);
    socket.on("session", (fresh: Buffer) => {
      if (sessions.size >= SESSIONS_MAX && !sessions.has(origin)) sessions.clear();
      sessions.set(origin, fresh);
    });
    return socket;
  }
}
