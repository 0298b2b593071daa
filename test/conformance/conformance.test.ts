import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { nodeHandler } from "@statefold/sdk";
import { conformance, listening } from "../contracts/frames-subject.ts";
import { freePort, startScript } from "../support/process.ts";
import { within } from "../support/until.ts";
import { objectionTo } from "./objection.ts";

/** As `npm run conformance` runs it. */
async function asked(t: TestContext, ...args: readonly string[]) {
  const script = await startScript(t, { script: new URL("./main.js", import.meta.url), args });
  const { code } = await within("the checks", script.exited, { timeoutMs: 60_000 });
  return { code, output: script.output };
}

test("a server that is right is told so, check by check", async (t) => {
  const url = await listening(t, nodeHandler([conformance]));
  const { code, output } = await asked(t, url);
  assert.equal(code, 0, output);
  assert.match(output, /an ordinary answer offers frames/);
});

test("what cannot be asked is said in one line, before any check", async (t) => {
  const url = `http://127.0.0.1:${await freePort()}/`;
  const { code, output } = await asked(t, url);
  assert.equal(code, 2);
  assert.equal(output, `nothing answers at ${url}: ECONNREFUSED\n`);
});

test("without a URL its usage is shown", async (t) => {
  assert.deepEqual(await asked(t), { code: 2, output: "usage: npm run conformance -- URL\n" });
});

test("a host and a port alone are no URL", async () => {
  for (const url of ["localhost:9102", "127.0.0.1:9102", "ftp://localhost/", "nonsense"]) {
    const objection = `${url} is no http URL; http://127.0.0.1:9000/ would be one`;
    assert.equal(await objectionTo(url), objection);
  }
});

test("a plain server is told from one that offers frames, and from one that does not serve the function", async (t) => {
  const answering = (status: number, offer?: string): Promise<string> =>
    listening(t, (_, response) => {
      const type = { "content-type": "application/octet-stream" };
      response.writeHead(status, offer === undefined ? type : { "statefold-frames": offer }).end();
    });
  const plain = await answering(200);
  assert.match((await objectionTo(plain)) ?? "", /^\S+ offers no frames: a plain server;/);
  const other = await answering(200, "2, 3");
  assert.match((await objectionTo(other)) ?? "", /offers frames of version 2, 3; .* version 1$/);
  const stranger = await answering(404);
  assert.match(
    (await objectionTo(stranger)) ?? "",
    /answers .* statefold\.conformance\/fn with 404; it has to serve that function/,
  );
  assert.equal(await objectionTo(await answering(200, "2, 1")), undefined);
});
