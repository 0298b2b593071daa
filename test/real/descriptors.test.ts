import assert from "node:assert/strict";
import { Agent, request } from "node:http";
import { test } from "node:test";
import { atEnd } from "../support/cleanup.ts";
import type { Script } from "../support/process.ts";
import { tempDir } from "../support/temp.ts";
import { until } from "../support/until.ts";
import { IdleConnections } from "../torture/connections.ts";
import { startRuntime } from "./runtime.ts";

const MODULE = `
kind: io.statefun.endpoints.v2/http
spec:
  functions: nobody/*
  urlPathTemplate: http://127.0.0.1:9/
`;

/** All that the process may have open: files and connections. */
const DESCRIPTORS = 256;
const TOPICS = 30;

const canLimit = process.platform === "linux";

test("connections never take the descriptors that the files need", {
  skip: !canLimit,
}, async (t) => {
  const before = ["prlimit", `--nofile=${DESCRIPTORS}:${DESCRIPTORS}`];
  const runtime = await startRuntime(t, { module: MODULE, directory: tempDir(t), before });
  // A connection that is there already, and goes on.
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  atEnd(t, () => agent.destroy());
  assert.equal(await write(runtime, agent, "first"), 200);

  const idle = new IdleConnections();
  atEnd(t, () => idle.close());
  idle.open(runtime.port, 2 * DESCRIPTORS);
  await until("some to be refused", () => idle.count < DESCRIPTORS);

  // Each topic is made of new files.
  for (let i = 0; i < TOPICS; i++) assert.equal(await write(runtime, agent, `topic-${i}`), 200);
  const [said = ""] = await runtime.line(/.*connections are refused.*/i);
  assert.match(said, /"maxConnections":128/);
  assert.equal(runtime.output.match(/connections are refused/gi)?.length, 1);

  idle.close();
  await until("others to get in", async () => (await fetch(`${runtime.url}/health/ready`)).ok);
});

/** The status. */
function write(runtime: Script, agent: Agent, topic: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const url = `${runtime.url}/v1/topics/${topic}?key=k`;
    const sent = request(url, { method: "POST", agent }, (response) => {
      response.resume().once("end", () => resolve(response.statusCode));
    });
    sent.once("error", reject).end("1");
  });
}
