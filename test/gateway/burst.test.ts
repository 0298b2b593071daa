import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { platform } from "node:os";
import { test } from "node:test";
import { Worker } from "node:worker_threads";
import { startFakeNode } from "./fake-node.ts";

/** More than Node keeps waiting by itself (511), and within what Linux allows. */
const CALLERS = 1_500;
const DEADLINE_MS = 10_000;

/** Connects from a thread of its own, and counts those that are through. */
const CONNECTS = `
  const { connect } = require("node:net");
  const { workerData: { port, callers, through } } = require("node:worker_threads");
  for (let n = 0; n < callers; n++) {
    const socket = connect({ port, host: "127.0.0.1" });
    socket.on("error", () => {});
    socket.on("connect", () => {
      if (Atomics.add(through, 0, 1) + 1 === callers) Atomics.notify(through, 1, Atomics.store(through, 1, 1));
    });
  }
`;

test("callers who all come at once wait at the door of a busy node; none is told to try again in seconds", async (t) => {
  if (mostWaiting() < CALLERS) return t.skip("this system lets fewer wait");
  const { port } = await startFakeNode(t);
  const through = new Int32Array(new SharedArrayBuffer(8));
  const worker = new Worker(CONNECTS, {
    eval: true,
    workerData: { port, callers: CALLERS, through },
  });
  t.after(() => worker.terminate());
  await new Promise((resolve) => worker.once("online", resolve));
  // The node is busy: nobody is let in meanwhile.
  Atomics.wait(through, 1, 0, DEADLINE_MS);
  assert.equal(Atomics.load(through, 0), CALLERS);
});

/** Of one listener, as the system has it; where that is not known, Node decides. */
function mostWaiting(): number {
  if (platform() !== "linux") return 0;
  return Number(readFileSync("/proc/sys/net/core/somaxconn", "utf8"));
}
