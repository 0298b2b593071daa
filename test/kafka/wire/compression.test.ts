import assert from "node:assert/strict";
import { test } from "node:test";
import { KafkaProtocolError } from "../../../src/kafka/error.ts";
import { COMPRESSIONS, compress, decompress } from "../../../src/kafka/wire/compression.ts";
import { createRng } from "../../support/rng.ts";

const rng = createRng(3);
const NOISE = Buffer.from(Array.from({ length: 200_000 }, () => rng.int(256)));
const TEXT = Buffer.from("a text that says the same again and again, ".repeat(5_000));

for (const kind of COMPRESSIONS) {
  test(`${kind}: what is packed can be unpacked`, async () => {
    for (const bytes of [Buffer.alloc(0), Buffer.from("x"), TEXT, NOISE]) {
      const packed = await compress(kind, bytes);
      assert.deepEqual(Buffer.from(await decompress(kind, packed, 1_000_000)), bytes);
    }
  });
}

test("what would unpack to more than its bound is refused, however small it is", async () => {
  const bomb = Buffer.alloc(20_000_000);
  for (const kind of COMPRESSIONS.filter((one) => one !== "none")) {
    const packed = await compress(kind, bomb);
    assert.ok(packed.byteLength < 2_000_000, kind);
    await assert.rejects(decompress(kind, packed, 1_000_000), KafkaProtocolError, kind);
  }
});

test("garbage is refused by name", async () => {
  for (const kind of COMPRESSIONS.filter((one) => one !== "none")) {
    await assert.rejects(decompress(kind, NOISE, 1_000_000), KafkaProtocolError, kind);
  }
});
