/** Sees from outside how one life of a partition comes to its cuts. Changes nothing. */
import assert from "node:assert/strict";
import type { PartitionLimits } from "../../src/partition/limits.ts";
import type { Partition } from "../../src/partition/partition.ts";
import type { Cut, Input, Turn } from "../../src/partition/ports.ts";
import { keyOf } from "../../src/store/keys.ts";
import { decodeMeta } from "../../src/store/records/meta.ts";
import type { SimDisk } from "./disk.ts";
import type { Paths } from "./paths.ts";

export class CutWatch {
  readonly #partition: Partition;
  readonly #disk: SimDisk;
  readonly #limits: PartitionLimits;
  readonly #paths: Paths;
  #cuts = 0;

  constructor(partition: Partition, disk: SimDisk, limits: PartitionLimits, paths: Paths) {
    this.#partition = partition;
    this.#disk = disk;
    this.#limits = limits;
    this.#paths = paths;
  }

  before(inputs: readonly Input[], isOpen: boolean): void {
    const { barrier, epochs } = this.#partition;
    const paths = this.#paths;
    let wanted = barrier.wanted;
    for (const input of inputs) {
      if (!("barrier" in input) || input.barrier === undefined) continue;
      if (input.kind === "snapshotComplete") continue;
      const isAnnounced = input.kind === "barrier";
      paths.hitIf(isAnnounced && input.barrier <= barrier.number, "barrierOld");
      if (input.barrier <= wanted) continue;
      wanted = input.barrier;
      paths.hitIf(!isOpen, "barrierRecovering");
      paths.hitIf(epochs.isCommitting, "barrierCommitting");
      if (input.kind === "channel") paths.hit("cutByBatch");
      else if (input.kind === "acknowledged") paths.hit("cutByAcknowledgement");
      else if (input.kind === "resume") paths.hit("cutByResume");
    }
  }

  /** At the end of a turn. */
  after({ commit, cut }: Turn, before: number): void {
    const paths = this.#paths;
    const { barrier, changedKeys } = this.#partition;
    if (changedKeys !== undefined) {
      const { count, bytes } = changedKeys;
      const isWithin = count <= this.#limits.changedKeys && bytes <= this.#limits.changedKeyBytes;
      assert(isWithin, `I9: ${count} keys of ${bytes} bytes are kept as changed`);
    }
    paths.hitIf(barrier.held > 0, "cutHolds");
    const isForCut = barrier.wanted > barrier.number;
    paths.hitIf(isForCut && commit !== undefined && commit.writes.length === 1, "cutOfNothing");
    if (cut === undefined) return;
    paths.hitIf(cut.barrier > before + 1 && before > 0, "barrierJump");
    paths.hitIf(commit !== undefined, "cutBeforeCommit");
    this.#changes(cut);
  }

  /** I7: what the disk holds as the cut is taken is what the partition says. */
  cut({ barrier, epoch }: Cut): void {
    const [meta] = this.#disk.read([keyOf("meta")]);
    assert(meta !== undefined, "I7: a cut of nothing");
    const on = decodeMeta(meta);
    assert.deepEqual([on.barrier, on.epoch], [barrier, epoch], "I7: the disk is not at the cut");
  }

  /** Its memory is gone, and so are the cuts that it had not told of. */
  crashed(): void {
    const [meta] = this.#disk.read([keyOf("meta")]);
    const durable = meta === undefined ? 0 : decodeMeta(meta).barrier;
    this.#paths.hitIf(durable > this.#partition.barrier.number, "barrierCrash");
  }

  #changes({ changes }: Cut): void {
    const paths = this.#paths;
    if (changes !== undefined) {
      paths.hit("changesKnown");
      paths.hitIf(changes.keys.length > 1, "changesMerged");
    } else paths.hitIf(++this.#cuts > 3, "changesUnknown");
  }
}
