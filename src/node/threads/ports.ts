/** Lines over what Node has for messages between threads. */
import type { MessagePort, Transferable } from "node:worker_threads";
import type { Batch, Line, Wire, Words } from "./line.ts";

/** What has a message port's two ways: a port, or a worker. */
type Post = Pick<MessagePort, "postMessage">;

export function overPort(port: Post): Wire {
  return (batch, transfer) => port.postMessage(batch, transfer as readonly Transferable[]);
}

export function hearFrom<Out extends Words, In extends Words>(
  port: { on(event: "message", hear: (batch: Batch) => void): unknown },
  line: Line<Out, In>,
): void {
  port.on("message", (batch) => line.receive(batch));
}
