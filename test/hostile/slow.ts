/** Connections that are only there to be held: their senders and readers are slow, or stand still. */
import assert from "node:assert/strict";
import { connect, type Socket } from "node:net";
import type { Rng } from "../support/rng.ts";
import type { Attack } from "./attack.ts";
import { READ_TOPIC } from "./topics.ts";

const STEP_MS = 50;

const SEND =
  "POST /v1/send/hostile/t0/slow HTTP/1.1\r\nhost: node\r\nstatefold-type: hostile/T\r\n";

interface Way {
  readonly kind: string;
  /** Written at once. */
  readonly start: string;
  /** Written again and again, as long as it is held. */
  readonly more: string;
  readonly reads: boolean;
}

const WAYS: readonly Way[] = [
  { kind: "says nothing", start: "", more: "", reads: true },
  {
    kind: "headers in drops",
    start: "GET /health/live HTTP/1.1\r\n",
    more: "x: y\r\n",
    reads: true,
  },
  { kind: "body in drops", start: `${SEND}content-length: 5000\r\n\r\n`, more: "x", reads: true },
  {
    ...{ kind: "chunks in drops", more: "1\r\nx\r\n", reads: true },
    start: `${SEND}transfer-encoding: chunked\r\n\r\n`,
  },
  {
    ...{ kind: "reads nothing", more: "", reads: false },
    start: `GET /v1/topics/${READ_TOPIC} HTTP/1.1\r\nhost: node\r\n\r\n`.repeat(20),
  },
  {
    ...{ kind: "follows and reads nothing", more: "", reads: false },
    start: `GET /v1/topics/${READ_TOPIC}?follow=true HTTP/1.1\r\nhost: node\r\n\r\n`,
  },
];

export function slowAttack(port: number): Attack {
  return {
    name: "slow",
    atOnce: 64,
    strike: async (rng, show) => {
      const way = rng.pick(WAYS);
      show(way);
      const said = await hold(port, way, rng);
      const statuses = [...said.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) =>
        Number(status),
      );
      for (const status of statuses) assert(status < 500, said);
      return `${way.kind}: ${statuses[0] ?? "no answer"}`;
    },
  };
}

/** For a second at most, then it is given up in one of three ways. */
function hold(port: number, { start, more, reads }: Way, rng: Rng): Promise<string> {
  const steps = rng.int(1_000 / STEP_MS);
  const ending = rng.pick([
    (socket: Socket) => socket.destroy(),
    (socket: Socket) => socket.resetAndDestroy(),
    (socket: Socket) => socket.end(() => socket.destroy()),
  ]);
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1");
    let said = "";
    let step = 0;
    const timer = setInterval(() => {
      if (step++ >= steps) ending(socket);
      else if (more !== "") socket.write(more);
    }, STEP_MS);
    if (reads) socket.on("data", (chunk) => (said += chunk.toString("latin1").slice(0, 2_000)));
    socket.on("connect", () => socket.write(start));
    socket.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "ECONNREFUSED") reject(error);
    });
    socket.on("close", () => {
      clearInterval(timer);
      resolve(said);
    });
  });
}
