/** Looks at the bucket from outside, at every change: what the head says is there, and whose it is. */
import assert from "node:assert/strict";
import { type Head, readHead } from "../../../src/snapshot/head.ts";
import {
  attemptOf,
  attemptOfSnapshot,
  HEAD_KEY,
  manifestKey,
} from "../../../src/snapshot/layout.ts";
import { type Manifest, objectsOf, readManifest } from "../../../src/snapshot/manifest.ts";
import type { FakeBucket } from "../../support/blob/fake.ts";
import { GRACE_MS, KEPT } from "./life.ts";

export class BucketWatch {
  readonly #bucket: FakeBucket;
  /** Of the head that was looked at last. */
  #bytes: Uint8Array | undefined;
  #head: Head | undefined;
  /** When each was first seen dropped. */
  readonly #droppedAtMs = new Map<string, number>();

  constructor(bucket: FakeBucket) {
    this.#bucket = bucket;
  }

  get head(): Head | undefined {
    return this.#head;
  }

  /** @returns snapshots that have come to be complete since it last looked */
  look(nowMs: number): readonly string[] {
    const bytes = this.#bucket.objects.get(HEAD_KEY)?.bytes;
    if (bytes === undefined || bytes === this.#bytes) return [];
    this.#bytes = bytes;
    const before = this.#head;
    const head = readHead(bytes);
    this.#head = head;
    for (const name of head.snapshots) this.#checkThere(name, "is kept");
    for (const name of head.dropped) {
      const sinceMs = this.#droppedAtMs.get(name) ?? nowMs;
      this.#droppedAtMs.set(name, sinceMs);
      if (nowMs - sinceMs < GRACE_MS) this.#checkThere(name, "has just been dropped");
    }
    assert(head.snapshots.length <= KEPT, "more snapshots than are to be kept");
    const numbers = head.snapshots.map((name) => attemptOfSnapshot(name).barrier);
    assert.deepEqual(
      numbers,
      [...new Set(numbers)].sort((a, b) => a - b),
      "they are in order",
    );
    if (before === undefined) return head.snapshots;
    const { owner, beat, nextBarrier, incarnation } = before;
    assert(head.owner.term >= owner.term, "an owner of the past has replaced the head");
    assert(head.beat >= beat && head.nextBarrier >= nextBarrier, "the head has gone back");
    assert(head.incarnation >= incarnation, "an incarnation would be given twice");
    const added = head.snapshots.filter((name) => !before.snapshots.includes(name));
    for (const name of added) {
      assert.equal(attemptOfSnapshot(name).term, head.owner.term, `${name} is a predecessor's`);
    }
    return added;
  }

  manifestOf(name: string): Manifest {
    const held = this.#bucket.objects.get(manifestKey(name));
    assert(held !== undefined, `the manifest of ${name} is missing`);
    return readManifest(name, held.bytes);
  }

  #checkThere(name: string, why: string): void {
    for (const key of objectsOf(this.manifestOf(name))) {
      assert(this.#bucket.objects.has(key), `${key} of ${name} is gone, which ${why}`);
    }
  }

  /** What nobody needs: not what is being written now. */
  get left(): readonly string[] {
    const { snapshots = [], dropped = [], owner } = this.#head ?? {};
    const needed = new Set([HEAD_KEY]);
    const isThere = (name: string): boolean => this.#bucket.objects.has(manifestKey(name));
    for (const name of [...snapshots, ...dropped].filter(isThere)) {
      needed.add(manifestKey(name));
      for (const key of objectsOf(this.manifestOf(name))) needed.add(key);
    }
    const last = attemptOfSnapshot(snapshots.at(-1) ?? "0-0").barrier;
    return [...this.#bucket.objects.keys()].filter((key) => {
      const attempt = attemptOf(key);
      const isNew = attempt?.term === owner?.term && (attempt?.barrier ?? 0) > last;
      return !needed.has(key) && !isNew;
    });
  }
}
