/** Idle connections against a port: what uses up a server's descriptors. */
import { connect, type Socket } from "node:net";

export class IdleConnections {
  readonly #sockets = new Set<Socket>();

  /** Opens so many; a part of them may be refused or closed. */
  open(port: number, count: number): void {
    for (let i = 0; i < count; i++) {
      const socket = connect({ port, host: "127.0.0.1" });
      this.#sockets.add(socket);
      socket.on("error", () => undefined); // followed by "close"
      socket.on("close", () => this.#sockets.delete(socket));
      socket.resume();
    }
  }

  get count(): number {
    return this.#sockets.size;
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
  }
}
