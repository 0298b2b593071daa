import type { Duplex } from "node:stream";
import type { Exchange } from "./exchange.ts";

/** What one connection has asked for, and has no whole answer to yet. */
interface Connection {
  /** Mostly there is one at a time. */
  first: Exchange | undefined;
  /** Besides that. */
  others: Set<Exchange> | undefined;
  /** The last that came over it. */
  last: Exchange;
}

/**
 * The answers of each connection that are not over yet.
 *
 * Node tells an answer that its connection is gone only while that answer is being written. Those behind it, of a
 * client that sends requests ahead, hear nothing, and would hold what they hold for ever: a place among the
 * requests in flight, bytes, a call that waits. So they are told here.
 */
export class Answers {
  readonly #connections = new WeakMap<Duplex, Connection>();

  /** A request has come. */
  add(exchange: Exchange): void {
    const { socket } = exchange.request;
    const known = this.#connections.get(socket);
    if (known === undefined) return this.#watch(socket, exchange);
    if (known.first === undefined) known.first = exchange;
    else {
      known.others ??= new Set();
      known.others.add(exchange);
    }
    known.last = exchange;
  }

  /** It is answered, or nobody is there to be. */
  end(exchange: Exchange): void {
    const connection = this.#connections.get(exchange.request.socket);
    if (connection?.first === exchange) connection.first = undefined;
    else connection?.others?.delete(exchange);
  }

  /** The last request that came over a connection. */
  lastOf(socket: Duplex): Exchange | undefined {
    return this.#connections.get(socket)?.last;
  }

  #watch(socket: Duplex, exchange: Exchange): void {
    const connection: Connection = { first: exchange, others: undefined, last: exchange };
    this.#connections.set(socket, connection);
    socket.once("close", () => {
      // After Node has told the one that was being written.
      setImmediate(() => {
        const { first, others = [] } = connection;
        for (const open of first === undefined ? others : [first, ...others]) {
          open.response.destroy();
          open.response.emit("close");
        }
      });
    });
  }
}
