import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { until } from "../support/until.ts";
import { Account } from "./account.ts";
import { answersAttack } from "./answers.ts";
import { type Attack, run } from "./attack.ts";
import { commandLineAttack } from "./command-line.ts";
import { httpAttack } from "./http.ts";
import { openStage, type Stage } from "./node.ts";
import { slowAttack } from "./slow.ts";
import { isRead, topicAttack } from "./topics.ts";

/* A little of what `npm run hostile` does for long, to one node, with a canary beside it all the time. */

describe("a node under attack, while a client beside it is served as if nothing were", () => {
  let stage: Stage;
  const account = new Account();
  const strike = async (attack: Attack, inputs: number): Promise<void> => {
    await run(attack, { seed: 11, inputs }, account);
    stage.canary.check();
  };

  before(async () => {
    stage = await openStage("in this process");
  });
  // Throws what the canary died of.
  after(() => stage.stop());

  test("answers whatever comes over its sockets with a code, or closes them", async () => {
    await strike(httpAttack(stage.port), 400);
    assert.equal(stage.functions.smuggled, 0);
  });

  test("takes records that can be read back as they were written, and reads on behind all of them", async () => {
    await strike(topicAttack(stage.url), 100);
    await until("the ingress to have read its topic", () => isRead(stage.url));
  });

  test("serves an address again behind whatever its function answered", async () => {
    await strike(answersAttack(stage.url, stage.functions), 60);
  });

  test("lets no command line end in anything but an exit code and words", async () => {
    await strike(commandLineAttack(stage.url), 100);
  });

  test("is not held up by those who send and read slowly, or not at all", async () => {
    await strike(slowAttack(stage.port), 64);
  });
});
