/** Where a thread of partitions begins. */
import { parentPort, workerData } from "node:worker_threads";
import { assert } from "../../base/assert.ts";
import { serveThread } from "./serve-thread.ts";

assert(parentPort !== null, "this runs as a thread of a node");
serveThread(workerData, parentPort);
