import { Socket } from "node:net";

/**
 * Loaded into every process that a test starts: ends it when the test's own process is gone, however
 * that one died. Descriptor 3 is a pipe that only its end can close.
 */
const parent = new Socket({ fd: 3 });
parent.on("close", () => process.kill(process.pid, "SIGKILL"));
parent.on("error", () => undefined); // followed by "close"
parent.resume();
parent.unref();
