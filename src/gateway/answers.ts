import type { ServerResponse } from "node:http";
import type { Duplex } from "node:stream";

/**
 * The answers of each connection that are not over yet.
 *
 * Node tells an answer that its connection is gone only while that answer is being written. Those behind it, of a
 * client that sends requests ahead, hear nothing, and would hold what they hold for ever: a place among the
 * requests in flight, bytes, a call that waits. So they are told here.
 */
export class Answers {
  readonly #open = new WeakMap<Duplex, Set<ServerResponse>>();
  readonly #last = new WeakMap<Duplex, ServerResponse>();

  /** A request has come, and this will be its answer. */
  add(connection: Duplex, response: ServerResponse): void {
    const open = this.#open.get(connection) ?? this.#watch(connection);
    open.add(response);
    response.once("close", () => open.delete(response));
    this.#last.set(connection, response);
  }

  /** Of the last request that came over it. */
  lastOf(connection: Duplex): ServerResponse | undefined {
    return this.#last.get(connection);
  }

  #watch(connection: Duplex): Set<ServerResponse> {
    const open = new Set<ServerResponse>();
    this.#open.set(connection, open);
    connection.once("close", () => {
      // After Node has told the one that was being written.
      setImmediate(() => {
        for (const response of open) {
          response.destroy();
          response.emit("close");
        }
      });
    });
    return open;
  }
}
