/** Partitions that do nothing but change at random, and cut when they are told. */
import assert from "node:assert/strict";
import { ChangedKeys } from "../../src/partition/changed-keys.ts";
import type { PartitionCut, SnapshotPartitions } from "../../src/snapshot/cut.ts";
import type { StoreSnapshot, Write } from "../../src/store/contract.ts";
import { keyOf } from "../../src/store/keys.ts";
import { MemoryContents, MemoryStore } from "../../src/store/memory.ts";
import { decodeMeta, encodeMeta } from "../../src/store/records/meta.ts";
import { encodePosition } from "../../src/store/records/position.ts";
import type { Rng } from "../support/rng.ts";
import { META } from "./examples.ts";

const END = Uint8Array.of(0xff);

/** Everything in a store, as texts. */
export type Content = ReadonlyMap<string, string>;

export function contentOf(contents: MemoryContents): Content {
  const entries = [...contents.range(Uint8Array.of(0), END)];
  return new Map(entries.map(({ key, value }) => [hex(key), hex(value)]));
}

export const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

export class FakePartitions implements SnapshotPartitions {
  readonly count: number;
  barrier = 0;
  /** Who gets the cuts. */
  onCut: (cut: PartitionCut) => void = () => {};
  /** Partitions that do not hear. */
  deaf = new Set<number>();
  /** Partitions that do not hear that one is complete. */
  unaware = new Set<number>();
  announced: number[] = [];
  completed_: number[] = [];
  /** By barrier: what the partitions were. */
  readonly cuts = new Map<number, Content[]>();
  /** Cuts that were handed over and not closed. */
  open = 0;
  readonly #rng: Rng;
  readonly #contents: MemoryContents[];
  readonly #changed: ChangedKeys[];
  #epoch = 10;

  constructor(count: number, rng: Rng, contents?: readonly MemoryContents[]) {
    this.count = count;
    this.#rng = rng;
    this.#contents = Array.from({ length: count }, (_, i) => contents?.[i] ?? new MemoryContents());
    this.#changed = this.#contents.map(() => {
      return new ChangedKeys({ changedKeys: 60, changedKeyBytes: 1_000_000 });
    });
    for (let i = 0; i < count; i++) this.change(i, 0);
  }

  /** Some keys change. */
  change(partition: number, keys: number): void {
    const writes: Write[] = Array.from({ length: keys }, () => ({
      key: keyOf("state", "a/b", `id ${this.#rng.int(300)}`),
      value: this.#rng.chance(0.3) ? undefined : this.#rng.bytes(this.#rng.int(200)),
    }));
    this.#commit(partition, writes);
  }

  #commit(partition: number, writes: readonly Write[]): void {
    const epoch = ++this.#epoch;
    const meta = { ...META, partition, partitionCount: this.count, barrier: this.barrier, epoch };
    const position = encodePosition("log/ns/in/t/0", epoch);
    const all = [
      ...writes,
      { key: keyOf("position", "log/ns/in/t/0"), value: position },
      { key: keyOf("meta"), value: encodeMeta(meta) },
    ];
    this.#changed[partition]?.add(all);
    this.#contents[partition]?.apply(all);
  }

  announce(barrier: number): void {
    this.announced.push(barrier);
    this.barrier = Math.max(this.barrier, barrier);
    for (let i = 0; i < this.count; i++) if (!this.deaf.has(i)) this.cut(i, barrier);
  }

  completed(barrier: number): void {
    this.completed_.push(barrier);
    for (const [i, each] of this.#changed.entries())
      if (!this.unaware.has(i)) each.complete(barrier);
  }

  cut(partition: number, barrier: number): void {
    const contents = this.#contents[partition];
    assert(contents !== undefined);
    const [meta] = [contents.get(keyOf("meta"))];
    const isCut = this.cuts.get(barrier)?.[partition] !== undefined;
    if (isCut && meta !== undefined && decodeMeta(meta).barrier >= barrier) return;
    this.#commit(partition, []);
    const cuts = this.cuts.get(barrier) ?? [];
    this.cuts.set(barrier, cuts);
    cuts[partition] = contentOf(contents);
    const changes = this.#changed[partition]?.cut(barrier);
    this.open++;
    this.onCut({ partition, barrier, changes, snapshot: this.#snapshot(contents.copy()) });
  }

  #snapshot(contents: MemoryContents): StoreSnapshot {
    const inner = new MemoryStore(contents).snapshot();
    let isClosed = false;
    return {
      getMany: (keys) => inner.getMany(keys),
      scan: (range) => inner.scan(range),
      close: async () => {
        if (!isClosed) this.open--;
        isClosed = true;
        await inner.close();
      },
    };
  }

  /** As after a crash, or on the same data again. */
  reborn(): FakePartitions {
    const next = new FakePartitions(this.count, this.#rng, this.#contents);
    next.barrier = this.barrier;
    for (const [barrier, cuts] of this.cuts) next.cuts.set(barrier, cuts);
    return next;
  }
}
