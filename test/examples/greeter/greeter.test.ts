import assert from "node:assert/strict";
import { test } from "node:test";
import { types } from "@statefold/sdk";
import { testFunction } from "@statefold/sdk/testing";
import { greeter } from "../../../examples/greeter/greeter.ts";

test("the greeter counts its visitors and answers them", async () => {
  const caller = { type: "example/visitor", id: "v" };
  const ada = testFunction(greeter, { id: "Ada", caller, redeliver: true });
  await ada.send(types.string, "Hello");
  const { replies } = await ada.send(types.string, "Hello");
  assert.deepEqual(replies, [
    { type: "io.statefun.types/string", value: "Hello, Ada! You were here 2 times." },
  ]);
  assert.equal(ada.state.visits, 2);
});
