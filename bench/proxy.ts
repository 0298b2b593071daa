import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Pool } from "undici";
import { serveParent } from "./support/processes.ts";

/*
 * What Node takes for a hop alone: an HTTP server that hands each request on through undici and the
 * answer back, and does nothing else. No durable runtime in Node can be quicker than this.
 */
export interface ProxyQuestion {
  readonly functionPort: number;
}

serveParent(async ({ functionPort }: ProxyQuestion) => {
  const pool = new Pool(`http://127.0.0.1:${functionPort}`, { connections: 256 });
  const headers = { "content-type": "application/octet-stream" };
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const body = Buffer.concat(chunks);
      pool.request({ method: "POST", path: "/", headers, body }).then(
        async (answer) => {
          const bytes = Buffer.from(await answer.body.arrayBuffer());
          response.writeHead(answer.statusCode, {
            "content-type": "application/octet-stream",
            "content-length": bytes.byteLength,
          });
          response.end(bytes);
        },
        (error: Error) => response.writeHead(502).end(error.message),
      );
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return { port: (server.address() as AddressInfo).port };
});
