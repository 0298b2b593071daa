import type { Duplex } from "node:stream";
import { Deadline, Deadlines } from "../base/deadlines.ts";
import type { ArrivingRequest } from "./arriving-request.ts";
import type { Exchange } from "./exchange.ts";

type Socket = ArrivingRequest["socket"];

/** Before an idle connection is closed it is looked at again, so that no request is cut off that is coming in. */
const LAST_LOOK_MS = 1_000;

/** What one connection has asked for, and has no whole answer to yet. While there is nothing it waits to be closed. */
class Connection extends Deadline {
  readonly #socket: Socket;
  readonly #deadlines: Deadlines;
  readonly #keepAliveMs: number;
  /** Mostly there is one at a time. */
  #first: Exchange | undefined;
  /** Besides that. */
  readonly #others = new Set<Exchange>();
  /** The last that came over it. */
  last: Exchange | undefined;
  /** When it was looked at; undefined: it was not. */
  #bytesRead: number | undefined;

  constructor(socket: Socket, deadlines: Deadlines, keepAliveMs: number) {
    super();
    this.#socket = socket;
    this.#deadlines = deadlines;
    this.#keepAliveMs = keepAliveMs;
  }

  get open(): readonly Exchange[] {
    return this.#first === undefined ? [...this.#others] : [this.#first, ...this.#others];
  }

  add(exchange: Exchange): void {
    this.#deadlines.delete(this);
    this.last = exchange;
    if (this.#first === undefined) this.#first = exchange;
    else this.#others.add(exchange);
  }

  end(exchange: Exchange): void {
    if (this.#first === exchange) this.#first = undefined;
    else this.#others.delete(exchange);
    // An answer of which nothing was taken for so long would have been cut off; the next has its own time.
    if (this.#socket.timeout) this.#socket.setTimeout(0);
    if (this.#first !== undefined || this.#others.size > 0 || this.#socket.destroyed) return;
    this.#bytesRead = undefined;
    this.#deadlines.add(this, this.#keepAliveMs);
  }

  /** Nobody waits for it to be closed any more. */
  closed(): void {
    this.#deadlines.delete(this);
  }

  late(): void {
    const { bytesRead } = this.#socket;
    if (this.#bytesRead === bytesRead) this.#socket.destroy();
    else if (this.#bytesRead === undefined) {
      this.#bytesRead = bytesRead;
      this.#deadlines.add(this, Math.min(LAST_LOOK_MS, this.#keepAliveMs));
    }
    // Else a request has begun, which has its own time to come in.
  }
}

/**
 * The connections that have carried a request: which answers of each are not over, and which are idle.
 *
 * Node tells an answer that its connection is gone only while that answer is being written. Those behind it, of a
 * client that sends requests ahead, hear nothing, and would hold what they hold for ever: a place among the
 * requests in flight, bytes, a call that waits. So they are told here.
 *
 * Idle ones are closed here, by one timer for all: Node sets two on the socket after each answer.
 */
export class Connections {
  readonly #deadlines = new Deadlines();
  readonly #keepAliveMs: number;
  readonly #connections = new WeakMap<Duplex, Connection>();

  constructor(keepAliveMs: number) {
    this.#keepAliveMs = keepAliveMs;
  }

  /** A request has come. */
  add(exchange: Exchange): void {
    const { socket } = exchange.request;
    const connection = this.#connections.get(socket) ?? this.#watch(socket);
    connection.add(exchange);
  }

  /** It is answered, or nobody is there to be. */
  end(exchange: Exchange): void {
    this.#connections.get(exchange.request.socket)?.end(exchange);
  }

  /** The last request that came over a connection. */
  lastOf(socket: Duplex): Exchange | undefined {
    return this.#connections.get(socket)?.last;
  }

  #watch(socket: Socket): Connection {
    const connection = new Connection(socket, this.#deadlines, this.#keepAliveMs);
    this.#connections.set(socket, connection);
    socket.once("close", () => {
      connection.closed();
      // After Node has told the one that was being written.
      setImmediate(() => {
        for (const { response } of connection.open) {
          response.destroy();
          response.emit("close");
        }
      });
    });
    return connection;
  }
}
