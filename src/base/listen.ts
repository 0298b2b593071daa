import type { Server } from "node:http";
import { StatefoldError } from "./errors.ts";

/**
 * Has an HTTP server listen. CONFIG_INVALID, with the reason, when the address cannot be had.
 *
 * @param port 0: any free one
 * @returns the port it listens on
 */
export async function listen(server: Server, host: string, port: number): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    const fail = (cause: Error): void => {
      const message = `cannot listen on ${host}:${port}`;
      reject(new StatefoldError("CONFIG_INVALID", message, { cause }));
    };
    server.once("error", fail);
    server.listen(port, host, () => {
      server.off("error", fail);
      resolve();
    });
  });
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : port;
}

/** Takes no new connection and closes all there are. Idempotent. */
export async function closeServer(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeAllConnections();
  await closed;
}
