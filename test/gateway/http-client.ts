import { once } from "node:events";
import { connect, type Socket } from "node:net";

/** Everything a server says to these bytes, until it closes the connection. */
export async function exchangeRaw(port: number, bytes: string | Uint8Array): Promise<string> {
  const socket = connect(port, "127.0.0.1");
  socket.write(bytes);
  return await readAll(socket);
}

export async function readAll(socket: Socket): Promise<string> {
  const chunks: Buffer[] = [];
  socket.on("data", (chunk) => chunks.push(chunk));
  await once(socket, "close");
  return Buffer.concat(chunks).toString();
}

/** Reads until what came holds `text`. */
export async function readUntil(socket: Socket, text: string): Promise<string> {
  let read = "";
  while (!read.includes(text)) {
    const [chunk] = (await once(socket, "data")) as [Buffer];
    read += chunk.toString();
  }
  return read;
}

/** The members of a problem answer that matter. */
export async function problemOf(response: Response): Promise<{ code: string; detail: string }> {
  const { code, detail } = (await response.json()) as { code: string; detail: string };
  return { code, detail };
}
