import { assert } from "../base/assert.ts";
import type { Random } from "../base/backoff.ts";
import type { EndpointUrl } from "../spec/endpoint-url.ts";
import { Connection, type ConnectionOptions } from "./connection.ts";

/**
 * The connections of one endpoint, idle ones kept for the next request to the same place, the most
 * recently used first (so that the others grow old and go). The owner takes one for each request in
 * flight, so `maxConnections` is its bound on requests too, and there is nothing to wait for here.
 *
 * A template with the function's name in its host leads to many places: an idle connection to one makes
 * room for another.
 */
export interface PoolOptions extends Omit<ConnectionOptions, "sessions"> {
  readonly maxConnections: number;
  /** A connection is closed so long after it was opened, and 1 to 3 s of jitter; 0: never. */
  readonly ttlMs: number;
  readonly random: Random;
}

interface Pooled {
  readonly connection: Connection;
  readonly place: string;
  idle: boolean;
  /** Past its time: closed when it is given back. */
  expired: boolean;
  timer: NodeJS.Timeout | undefined;
}

export class ConnectionPool {
  readonly #options: PoolOptions;
  readonly #sessions = new Map<string, Buffer>();
  readonly #open = new Map<Connection, Pooled>();
  readonly #idleByPlace = new Map<string, Pooled[]>();
  #closed = false;

  constructor(options: PoolOptions) {
    this.#options = options;
  }

  /** Connections open, idle ones included. */
  get size(): number {
    return this.#open.size;
  }

  /** @param fresh a connection that has served nothing yet */
  take(url: EndpointUrl, fresh: boolean): Connection {
    assert(!this.#closed, "nothing is sent after the pool was closed");
    const place = `${url.socketPath ?? ""} ${url.origin}`;
    const idle = this.#idleByPlace.get(place);
    while (!fresh && idle !== undefined) {
      const pooled = idle.pop();
      if (pooled === undefined) break;
      if (idle.length === 0) this.#idleByPlace.delete(place);
      pooled.idle = false;
      if (pooled.connection.usable) return pooled.connection;
      this.#drop(pooled);
    }
    if (this.#open.size >= this.#options.maxConnections) this.#makeRoom();
    return this.#openNew(url, place);
  }

  /** Takes a connection back after its exchange; one that is not usable any more is closed. */
  give(connection: Connection): void {
    const pooled = this.#open.get(connection);
    if (pooled === undefined) return;
    if (pooled.expired || !connection.usable || this.#closed) {
      this.#drop(pooled);
      return;
    }
    pooled.idle = true;
    const idle = this.#idleByPlace.get(pooled.place);
    if (idle === undefined) this.#idleByPlace.set(pooled.place, [pooled]);
    else idle.push(pooled);
  }

  async close(): Promise<void> {
    this.#closed = true;
    const connections = [...this.#open.values()];
    for (const pooled of connections) this.#forget(pooled);
    await Promise.all(connections.map(({ connection }) => connection.destroy()));
  }

  #openNew(url: EndpointUrl, place: string): Connection {
    const { ttlMs, random } = this.#options;
    const options = { ...this.#options, sessions: this.#sessions };
    const connection = new Connection(url, options, () => {
      if (pooled.idle) this.#drop(pooled);
    });
    const pooled: Pooled = { connection, place, idle: false, expired: false, timer: undefined };
    this.#open.set(connection, pooled);
    if (ttlMs > 0) {
      pooled.timer = setTimeout(
        () => {
          pooled.expired = true;
          if (pooled.idle) this.#drop(pooled);
        },
        ttlMs + 1000 + random() * 2000,
      );
      pooled.timer.unref();
    }
    return connection;
  }

  #makeRoom(): void {
    for (const idle of this.#idleByPlace.values()) {
      const oldest = idle[0];
      if (oldest !== undefined) {
        this.#drop(oldest);
        return;
      }
    }
  }

  #drop(pooled: Pooled): void {
    this.#forget(pooled);
    void pooled.connection.destroy();
  }

  #forget(pooled: Pooled): void {
    clearTimeout(pooled.timer);
    this.#open.delete(pooled.connection);
    if (!pooled.idle) return;
    pooled.idle = false;
    const idle = this.#idleByPlace.get(pooled.place);
    const at = idle?.indexOf(pooled) ?? -1;
    if (at >= 0) idle?.splice(at, 1);
    if (idle?.length === 0) this.#idleByPlace.delete(pooled.place);
  }
}
