import assert from "node:assert/strict";
import { test } from "node:test";
import { deferred } from "../../../src/base/deferred.ts";
import { StatefoldError } from "../../../src/base/errors.ts";
import { type Batch, Line, type Words } from "../../../src/node/threads/line.ts";

interface Speech extends Words {
  readonly notes: { readonly said: { readonly text: string; readonly bytes?: Uint8Array } };
  readonly questions: { readonly echo: { readonly ask: string; readonly answer: string } };
}

/** Two ends whose batches go over when they are told to. */
class World {
  readonly heard: string[] = [];
  readonly batches: Batch[] = [];
  readonly back: Batch[] = [];
  rooms = 0;
  echo: (text: string) => string | Promise<string> = (text) => `${text}, ${text}`;
  readonly near: Line<Speech, Speech>;
  readonly far: Line<Speech, Speech>;

  constructor(maxBytes = 10_000) {
    const hearer = {
      notes: { said: ({ text }: { readonly text: string }) => void this.heard.push(text) },
      questions: { echo: (text: string) => this.echo(text) },
    };
    const onRoom = (): void => void this.rooms++;
    this.near = new Line({ hearer, maxBytes, onRoom, wire: (batch) => this.batches.push(batch) });
    this.far = new Line({ hearer, maxBytes, wire: (batch) => this.back.push(batch) });
  }

  /** What was said so far arrives, and what is answered. */
  async exchange(): Promise<void> {
    await new Promise(setImmediate);
    for (const batch of this.batches.splice(0)) this.far.receive(batch);
    await new Promise(setImmediate);
    await new Promise(setImmediate);
    for (const batch of this.back.splice(0)) this.near.receive(batch);
  }
}

test("what is said within a turn is one batch, heard in its order", async () => {
  const world = new World();
  for (const text of ["a", "b", "c"]) world.near.tell("said", { text });
  await new Promise(setImmediate);
  world.near.tell("said", { text: "d" });
  assert.equal(world.batches.length, 1);
  await world.exchange();
  assert.deepEqual(world.heard, ["a", "b", "c", "d"]);
});

test("a question is answered, whichever answer comes first", async () => {
  const world = new World();
  const slow = deferred<string>();
  world.echo = (text) => (text === "slow" ? slow.promise : `${text}!`);
  const answers = [world.near.ask("echo", "slow"), world.near.ask("echo", "quick")];
  await world.exchange();
  assert.equal(await answers[1], "quick!");
  slow.resolve("at last");
  await world.exchange();
  assert.equal(await answers[0], "at last");
});

test("an error keeps its code, and the text of its causes", async () => {
  const world = new World();
  world.echo = () => {
    throw new StatefoldError("STORE_CORRUPT", "it does not open", { cause: new Error("torn") });
  };
  const answer = world.near.ask("echo", "a");
  const rejected = assert.rejects(answer, {
    ...{ name: "StatefoldError", code: "STORE_CORRUPT", message: "it does not open: torn" },
  });
  await world.exchange();
  await rejected;
});

test("with MAX_BYTES on its way a line is full, until the other side has taken them", async () => {
  const world = new World();
  const bytes = new Uint8Array(5_000);
  for (const text of ["a", "b"]) world.near.tell("said", { text, bytes });
  assert.equal(world.near.isFull, false, "nothing is on its way yet");
  world.near.flush();
  assert.equal(world.near.isFull, true);
  await world.exchange();
  assert.equal(world.near.isFull, false);
  assert.equal(world.rooms, 1);
  assert.deepEqual(world.heard, ["a", "b"], "what was said all the same was heard");
});

test("what was taken is told by itself only when it is a good part of the bound", async () => {
  const world = new World();
  world.near.tell("said", { text: "a" });
  await world.exchange();
  assert(world.near.onItsWayBytes > 0, "nothing was said in return");
  for (let i = 0; i < 10; i++) world.near.tell("said", { text: "b" });
  await world.exchange();
  assert.equal(world.near.onItsWayBytes, 0);
});

test("the end of a line is the answer to what was asked, and nothing is heard after it", async () => {
  const world = new World();
  const asked = world.near.ask("echo", "a");
  const gone = new StatefoldError("THREAD_ENDED", "it is gone");
  world.near.end(gone);
  world.near.end(new StatefoldError("INTERNAL", "a later reason"));
  await assert.rejects(asked, gone);
  await assert.rejects(world.near.ask("echo", "b"), gone);
  world.far.tell("said", { text: "too late" });
  world.near.tell("said", { text: "too late" });
  await world.exchange();
  assert.deepEqual(world.heard, []);
});
