import assert from "node:assert/strict";
import { test } from "node:test";
import { atMost, chunksOf, digestOf, piecesOf } from "../../src/blob/body.ts";
import { createRng } from "../support/rng.ts";

async function all(chunks: AsyncIterable<Uint8Array>): Promise<string[]> {
  const texts: string[] = [];
  for await (const chunk of chunks) texts.push(Buffer.from(chunk).toString());
  return texts;
}

const source = (...texts: string[]) => ({
  open: async function* () {
    for (const text of texts) yield Buffer.from(text);
  },
});

test("pieces are of one size, the last shorter, whatever the chunks are", async () => {
  assert.deepEqual(await all(piecesOf(source("ab", "cdefgh", "", "i"), 3)), ["abc", "def", "ghi"]);
  assert.deepEqual(await all(piecesOf(source("abcd"), 3)), ["abc", "d"]);
  assert.deepEqual(await all(piecesOf(Buffer.from("abcdefg"), 3)), ["abc", "def", "g"]);
  assert.deepEqual(await all(piecesOf(source("abc"), 3)), ["abc"]);
});

test("of nothing there is one piece, which is empty", async () => {
  for (const nothing of [source(), source("", ""), Buffer.alloc(0)]) {
    assert.deepEqual(await all(piecesOf(nothing, 3)), [""]);
  }
});

test("however it is cut, the bytes stay the same", async () => {
  const rng = createRng(11);
  for (let round = 0; round < 50; round++) {
    const chunks = Array.from({ length: rng.int(8) }, () => rng.bytes(rng.int(40)));
    const whole = Buffer.concat(chunks);
    const body = {
      open: async function* () {
        yield* chunks;
      },
    };
    const cut = { open: () => atMost(body.open(), 1 + rng.int(9)) };
    const pieces: Uint8Array[] = [];
    for await (const piece of piecesOf(cut, 1 + rng.int(30))) pieces.push(piece);
    assert.deepEqual(Buffer.concat(pieces), whole);
    assert.equal(await digestOf(chunksOf(body)), await digestOf(chunksOf(whole)));
  }
});

test("an aborted signal ends a source that waits, and one that does not is told", async () => {
  const reason = new Error("enough");
  const silent = new AbortController();
  const waiting = {
    open: async function* () {
      await new Promise(() => {});
      yield Buffer.alloc(1);
    },
  };
  const reading = all(chunksOf(waiting, silent.signal));
  silent.abort(reason);
  await assert.rejects(reading, reason);

  const loud = new AbortController();
  let isTold = false;
  const endless = {
    open: async function* () {
      try {
        for (;;) yield Buffer.alloc(1);
      } finally {
        isTold = true;
      }
    },
  };
  const taking = (async () => {
    for await (const _ of chunksOf(endless, loud.signal)) loud.abort(reason);
  })();
  await assert.rejects(taking, reason);
  assert(isTold);
});
