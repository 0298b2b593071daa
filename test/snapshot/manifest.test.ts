import assert from "node:assert/strict";
import { test } from "node:test";
import { StatefoldError } from "../../src/base/errors.ts";
import { writeDocument } from "../../src/snapshot/document.ts";
import { objectsOf, readManifest, writeManifest } from "../../src/snapshot/manifest.ts";
import { FORMAT_VERSION } from "../../src/store/format.ts";
import { MANIFEST } from "./examples.ts";

const NAME = "000000000007-2";
const bytes = writeManifest(MANIFEST);
const body = (): Record<string, unknown> => {
  const { kind: _k, format: _f, sha256: _s, ...rest } = JSON.parse(Buffer.from(bytes).toString());
  return rest;
};

test("a manifest that was written is read", () => {
  assert.deepEqual(readManifest(NAME, bytes), MANIFEST);
  assert.equal(objectsOf(MANIFEST).length, 2);
});

test("a manifest with any other byte is refused", () => {
  for (let i = 0; i < bytes.byteLength; i++) {
    const other = Uint8Array.from(bytes);
    other[i] = (other[i] ?? 0) ^ 4;
    const text = Buffer.from(other).toString();
    let isSame = false;
    try {
      // White space is nobody's.
      isSame =
        JSON.stringify(JSON.parse(text)) ===
        JSON.stringify(JSON.parse(Buffer.from(bytes).toString()));
    } catch {}
    if (isSame) continue;
    const isRefused = (error: unknown) =>
      error instanceof StatefoldError && error.code === "SNAPSHOT_CORRUPT";
    assert.throws(() => readManifest(NAME, other), isRefused, `byte ${i}`);
  }
});

test("what a manifest lacks is told by its place", () => {
  const { storeFormat, ...rest } = body();
  assert.equal(storeFormat, 1);
  const refused = (changed: object, message: RegExp) => {
    const written = writeDocument({ kind: "manifest", format: 1 }, changed);
    assert.throws(() => readManifest(NAME, written), { code: "SNAPSHOT_CORRUPT", message });
  };
  refused(rest, /the manifest of snapshot 000000000007-2: storeFormat is no whole number/);
  const partitions = [{ meta: {}, positions: {}, segments: [] }];
  refused({ ...body(), partitions }, /partitions\[0\]\.meta\.formatVersion/);
  refused({ ...body(), partitions: [] }, /partitions is empty/);
  refused({ ...body(), partitions: 3 }, /partitions is no list/);
  refused({ ...body(), barrier: 8 }, /barrier is another's/);
});

test("a manifest of a newer version, or of newer data, is refused by name", () => {
  const newer = writeDocument({ kind: "manifest", format: 2 }, { anything: "else" });
  const refusal = { code: "SNAPSHOT_FORMAT", message: /newer statefold/ };
  assert.throws(() => readManifest(NAME, newer), refusal);
  const data = writeManifest({ ...MANIFEST, storeFormat: FORMAT_VERSION + 1 });
  assert.throws(() => readManifest(NAME, data), refusal);
});

test("another document is not taken for a manifest", () => {
  const other = writeDocument({ kind: "head", format: 1 }, body());
  assert.throws(() => readManifest(NAME, other), /kind is not "manifest"/);
  assert.throws(() => readManifest(NAME, Buffer.from("[]")), /it is no object/);
  assert.throws(() => readManifest(NAME, Buffer.from("{")), /no JSON/);
});
