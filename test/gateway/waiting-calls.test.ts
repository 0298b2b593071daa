import assert from "node:assert/strict";
import { test } from "node:test";
import { deferred } from "../../src/base/deferred.ts";
import type { CallResult } from "../../src/gateway/ports.ts";
import { startFakeNode } from "./fake-node.ts";
import { problemOf } from "./http-client.ts";

test("callers of one function that does not answer leave room for callers of others", async (t) => {
  const { url, messages } = await startFakeNode(t, { maxInFlight: 20 });
  const answer = deferred<CallResult>();
  const reply = messages.answer;
  messages.answer = (request) =>
    request.target.type === "demo/stuck" ? answer.promise : reply(request);
  const call = (type: string) =>
    fetch(`${url}/v1/call/${type}/1`, {
      ...{ method: "POST", body: "x", headers: { "content-type": "text/plain" } },
    });
  const waiting = Array.from({ length: 20 }, () => call("demo/stuck"));
  // The first answers are those of the refused.
  const refused = await Promise.any(waiting);
  assert.equal(refused.status, 429);
  assert.match(
    (await problemOf(refused)).detail,
    /as may be wait for functions of type demo\/stuck already/,
  );
  assert.equal((await call("demo/fine")).status, 200);
  answer.resolve({ kind: "pending", callId: "c-1" });
  const statuses = (await Promise.all(waiting)).map(({ status }) => status).sort();
  assert.deepEqual([statuses.filter((each) => each === 504).length, statuses.length], [18, 20]);
  assert.equal((await call("demo/stuck")).status, 504);
});
