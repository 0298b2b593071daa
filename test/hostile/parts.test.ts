import assert from "node:assert/strict";
import { test } from "node:test";
import { Account } from "./account.ts";
import { type Attack, run } from "./attack.ts";
import { fromFunctionAttack } from "./from-function.ts";
import { checkAttack, moduleAttack } from "./modules.ts";
import { reachAttack } from "./reach.ts";
import { storedAttack } from "./stored.ts";
import { toFunctionAttack } from "./to-function.ts";

/* A little of what `npm run hostile` does for long, from a seed of its own. */

const SEED = 7;

async function strike(attack: Attack, inputs: number): Promise<Account> {
  const account = new Account();
  await run(attack, { seed: SEED, inputs }, account);
  assert.equal(account.of(), inputs);
  return account;
}

test("what functions answer means to us what it means to protobufjs, or is refused", async () => {
  const account = await strike(fromFunctionAttack, 600);
  assert(account.of("from-function", "reply") > 60, `${account}`);
});

test("our SDK answers any request, or refuses it with an error of its table", async () => {
  const account = await strike(toFunctionAttack, 300);
  assert(account.of("to-function", "reply") > 5, `${account}`);
});

test("a record of the store that was changed is never taken for one", async () => {
  await strike(storedAttack, 300);
});

test("whatever a function answers, nothing of another address changes but by mail in its own name", async () => {
  const account = await strike(reachAttack, 400);
  assert(account.of("reach", "reply") > 150, `${account}`);
});

test("whatever a module file holds, there is a module or there are problems", async () => {
  await strike(moduleAttack, 200);
});

test("so says statefold check, without a stack trace", async (t) => {
  const attack = checkAttack();
  t.after(() => attack.end());
  await strike(attack, 30);
});

test("what breaks is told with all it takes to have it again", async () => {
  const attack: Attack = {
    name: "sample",
    strike: (rng, show) => {
      const drawn = rng.int(10);
      show({ drawn });
      if (drawn === 3) throw new Error("three");
      return "fine";
    },
  };
  const account = new Account();
  let told = "";
  await assert.rejects(run(attack, { seed: 1, inputs: 1_000 }, account), (error: Error) => {
    told = error.message;
    return true;
  });
  assert.match(
    told,
    /^sample, input \d+: {"drawn":3}\n {2}again: .*--only sample --seed 1 --from \d+/,
  );
  const from = Number(/--from (\d+)/.exec(told)?.[1]);
  await assert.rejects(run(attack, { seed: 1, from, inputs: 1 }, account), /{"drawn":3}/);
});
