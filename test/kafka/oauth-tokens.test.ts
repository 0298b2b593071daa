import assert from "node:assert/strict";
import { createServer } from "node:http";
import { type TestContext, test } from "node:test";
import { listen } from "../../src/base/listen.ts";
import { oauthTokens } from "../../src/kafka/oauth-tokens.ts";

async function tokensOf(t: TestContext, answers: readonly (string | undefined)[]) {
  let asked = 0;
  const server = createServer((_, response) => {
    const answer = answers[asked++];
    if (answer !== undefined) response.end(answer);
  });
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const url = `http://127.0.0.1:${await listen(server, "127.0.0.1", 0)}/token`;
  const clock = { nowMs: 0 };
  const account = { clientId: "id", clientSecret: "s", scope: undefined };
  const ask = oauthTokens({ ...account, url, nowMs: () => clock.nowMs, timeoutMs: 500 });
  return { ask, clock };
}

test("a token server that does not answer within TIMEOUT_MS is given up, and asked again", async (t) => {
  const { ask } = await tokensOf(t, [undefined, '{"access_token":"one"}']);
  await assert.rejects(ask(), { code: "UNAVAILABLE", message: /no token from http.*timeout/ });
  assert.deepEqual(await ask(), { value: "one" });
});

test("a token that is about to end is replaced by a new one", async (t) => {
  const token = (name: string) => `{"access_token":"${name}","expires_in":60}`;
  const { ask, clock } = await tokensOf(t, [token("one"), token("two")]);
  assert.deepEqual(await ask(), { value: "one" });
  clock.nowMs = 30_000;
  assert.deepEqual(await ask(), { value: "one" });
  clock.nowMs = 30_001;
  assert.deepEqual(await ask(), { value: "two" });
});

test("an answer that holds no token is an error", async (t) => {
  const { ask } = await tokensOf(t, ["{}"]);
  await assert.rejects(ask(), { code: "UNAVAILABLE", message: /no access_token/ });
});
