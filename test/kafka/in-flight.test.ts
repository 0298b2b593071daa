import assert from "node:assert/strict";
import { test } from "node:test";
import { InFlight } from "../../src/kafka/in-flight.ts";

/** A request under a number, and what becomes of it. */
function send(inFlight: InFlight, correlationId: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const entry = {
      ...{ apiName: "Fetch", correlationId, reject },
      resolve: ({ payload }: { readonly payload: Buffer }) => resolve(payload.toString()),
    };
    inFlight.push({ entry, sendRequest() {} });
  });
}

function answer(inFlight: InFlight, correlationId: number, text: string): void {
  inFlight.fulfillRequest({ correlationId, size: text.length, payload: Buffer.from(text) });
}

test("each request gets its own answer, whatever comes first", async (t) => {
  const inFlight = new InFlight(60_000);
  t.after(() => inFlight.destroy());
  const first = send(inFlight, 1);
  const second = send(inFlight, 2);
  answer(inFlight, 2, "b");
  answer(inFlight, 1, "a");
  answer(inFlight, 1, "again");
  assert.deepEqual(await Promise.all([first, second]), ["a", "b"]);
});

test("one without an answer for too long is rejected, and those behind it in their turn", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  let nowMs = 0;
  t.mock.method(performance, "now", () => nowMs);
  const inFlight = new InFlight(100);
  const pass = (ms: number): void => {
    nowMs += ms;
    t.mock.timers.tick(ms);
  };
  const first = assert.rejects(send(inFlight, 1), /request Fetch has had no answer for 100 ms/);
  pass(60);
  const second = send(inFlight, 2);
  const third = assert.rejects(send(inFlight, 3), /no answer for 100 ms/);
  pass(40);
  await first;
  answer(inFlight, 1, "late");
  answer(inFlight, 2, "b");
  assert.equal(await second, "b");
  pass(60);
  await third;
});

test("when the connection breaks, all are rejected", async () => {
  const inFlight = new InFlight(60_000);
  const broken = [send(inFlight, 1), send(inFlight, 2)].map((sent) => assert.rejects(sent, /gone/));
  inFlight.rejectAll(new Error("gone"));
  await Promise.all(broken);
  const late = assert.rejects(send(inFlight, 3), /was closed/);
  inFlight.destroy();
  await late;
  await assert.rejects(send(inFlight, 4), /was closed/);
});
