import assert from "node:assert/strict";
import { connect } from "node:net";
import { test } from "node:test";
import { freePort, type ScriptOptions, startScript } from "./process.ts";
import { until } from "./until.ts";

const ECHO: ScriptOptions = {
  script: new URL("./scripts/echo-server.js", import.meta.url),
  args: (port) => [String(port)],
  ready: /listens on \d+/,
};

async function ask(url: string): Promise<string> {
  return (await fetch(url)).text();
}

test("a script is started on a free port, and is ready when it says so", async (t) => {
  const script = await startScript(t, ECHO);
  assert.equal(await ask(`${script.url}/hello`), "/hello");
  assert.match(script.output, new RegExp(`pid ${script.pid} listens on ${script.port}`));
});

test("a script is ready when a question is answered", async (t) => {
  const script = await startScript(t, {
    ...ECHO,
    ready: async ({ url }) => (await ask(`${url}/ready`)) === "/ready",
  });
  assert.equal(await ask(script.url), "/");
});

test("a killed script can be started again on the same port", async (t) => {
  const script = await startScript(t, ECHO);
  const { pid, port } = script;
  assert.deepEqual(await script.kill(), { code: null, signal: "SIGKILL" });
  await assert.rejects(ask(script.url));
  await script.start();
  assert.notEqual(script.pid, pid);
  assert.equal(script.port, port);
  assert.equal(await ask(`${script.url}/again`), "/again");
  await script.restart();
  assert.equal(await ask(`${script.url}/third`), "/third");
  await assert.rejects(script.start(), /runs already/);
});

test("stop asks, and says so when nothing happens", async (t) => {
  const polite = await startScript(t, ECHO);
  assert.deepEqual(await polite.stop(), { code: null, signal: "SIGTERM" });
  const deaf = await startScript(t, { ...ECHO, args: (port) => [String(port), "deaf"] });
  await assert.rejects(deaf.stop("SIGTERM", 50), /waited 50 ms for the script .* to end/);
  await deaf.line(/heard SIGTERM/);
});

test("a script that ends too early is an error that shows its output", async (t) => {
  const crash = { ...ECHO, args: (port: number) => [String(port), "crash"] };
  await assert.rejects(startScript(t, crash), /ended with code 1.*crashed on purpose/s);
  await assert.rejects(startScript(t, { ...crash, ready: () => false }), /ended with code 1/);
});

test("a script that is never ready is an error that shows its output", async (t) => {
  const never = { ...ECHO, ready: () => false, readyTimeoutMs: 300 };
  await assert.rejects(startScript(t, never), /not ready after 300 ms/);
});

test("a script ends when the test is over", async (t) => {
  const ports: number[] = [];
  await t.test("the inner test", async (inner) => {
    ports.push((await startScript(inner, ECHO)).port);
  });
  await assert.rejects(ask(`http://127.0.0.1:${ports[0]}`));
});

test("a script ends when the process of its test is killed", async (t) => {
  const parent = await startScript(t, {
    script: new URL("./scripts/parent.js", import.meta.url),
    ready: /child \d+ at port \d+\./,
  });
  const port = Number((await parent.line(/at port (\d+)\./))[1]);
  await parent.kill();
  await until("the child's port to be closed", async () => !(await accepts(port)));
});

test("a free port can be listened on", async () => {
  const port = await freePort();
  assert.equal(await accepts(port), false);
});

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => resolve(true));
    socket.once("error", () => resolve(false));
    socket.once("connect", () => socket.destroy());
  });
}
