/**
 * Whoever announces barriers: to each partition at another time, to some never, the next one before the
 * last is done; who dies half-way, and begins anew with the next number. Collects the cuts, and holds each
 * snapshot that comes to be complete to what it must be (I7).
 */
import assert from "node:assert/strict";
import type { Cut } from "../../src/partition/ports.ts";
import { keyOf } from "../../src/store/keys.ts";
import { decodeMeta } from "../../src/store/records/meta.ts";
import type { Rng } from "../support/rng.ts";
import type { Barriers } from "./barriers.ts";
import { checkChanges, checkCut, type Held } from "./cut-check.ts";
import type { SimDisk } from "./disk.ts";
import type { Host } from "./host.ts";
import type { NodeStage } from "./stage.ts";

/** A complete one, to be restored. */
export interface Snapshot {
  readonly barrier: number;
  readonly views: readonly SimDisk[];
  readonly held: Held;
  /** What the node's clock said. */
  readonly atMs: number;
}

export class Coordinator {
  /** One of those that came to be complete. */
  chosen: Snapshot | undefined;
  readonly #world: NodeStage;
  readonly #rng: Rng;
  readonly #barriers: Barriers;
  /** Cuts that are kept safe, by barrier and partition, of snapshots that are not complete. */
  #open = new Map<number, Map<number, SimDisk>>();
  /** By barrier: the cuts of complete ones. */
  readonly #complete = new Map<number, readonly SimDisk[]>();
  #last = 0;
  #left: number;
  #completed = 0;
  #life = 0;

  constructor(world: NodeStage, rng: Rng, barriers: Barriers) {
    this.#world = world;
    this.#rng = rng;
    this.#barriers = barriers;
    this.#left = barriers.count;
  }

  start(): void {
    this.#later(this.#barriers.everyMs, () => {
      if (this.#world.isOver || this.#world.isDraining || this.#left-- <= 0) return;
      if (this.#rng.chance(0.1)) this.#die();
      this.#announce();
      this.start();
    });
  }

  /** A partition's part. What it has not put away when its memory is lost is lost, too. */
  cut(host: Host, cut: Cut, view: SimDisk): void {
    if (this.#world.isLossy) return;
    this.#checkChanges(host, cut, view);
    const life = this.#life;
    const { generation } = host;
    const keep = () => {
      if (life === this.#life && generation === host.generation) this.#keep(host, cut, view);
    };
    if (this.#rng.chance(0.5)) keep();
    else this.#later(this.#rng.pick([5, 100]), keep);
  }

  #announce(): void {
    const { paths } = this.#world.faults;
    const { lateMs, unheard } = this.#barriers;
    this.#last += this.#rng.chance(0.2) ? 1 + this.#rng.int(3) : 1;
    const barrier = this.#last;
    paths.hitIf(this.#open.size > 0, "barrierOverlap");
    const life = this.#life;
    for (const host of this.#world.hosts) {
      if (this.#rng.chance(unheard)) continue;
      this.#later(lateMs, () => {
        if (life === this.#life) this.#world.notify(host, { kind: "barrier", barrier });
      });
    }
  }

  /** Another one begins, and knows nothing but what the partitions have. */
  #die(): void {
    this.#world.faults.paths.hitIf(this.#open.size > 0, "coordinatorDied");
    this.#life++;
    this.#open = new Map();
    this.#last = Math.max(...this.#world.hosts.map(({ disk }) => numberOn(disk)));
  }

  #keep(host: Host, { barrier }: Cut, view: SimDisk): void {
    if (this.#world.isLossy) return;
    const cuts = this.#open.get(barrier) ?? new Map<number, SimDisk>();
    this.#open.set(barrier, cuts);
    assert(!cuts.has(host.index), `I7: partition ${host.index} cuts twice for ${barrier}`);
    cuts.set(host.index, view);
    const views = this.#world.hosts.map(({ index }) => cuts.get(index));
    const all = views.filter((each) => each !== undefined);
    if (all.length < views.length) return;
    this.#open.delete(barrier);
    this.#end(barrier, all);
  }

  #end(barrier: number, views: readonly SimDisk[]): void {
    const held = checkCut(views, barrier);
    const { paths } = this.#world.faults;
    paths.hit("cutComplete");
    paths.hitIf(held.inFlight.length > 0, "cutInFlight");
    const atMs = this.#world.clock.now();
    // Each of those so far is as likely as the others, those with something on its way more so.
    const weight = held.inFlight.length > 0 ? 4 : 1;
    this.#completed += weight;
    if (this.#rng.chance(weight / this.#completed)) {
      this.chosen = { barrier, views, held, atMs };
    }
    if (this.#rng.chance(this.#barriers.abandoned)) return;
    this.#complete.set(barrier, views);
    for (const host of this.#world.hosts) {
      if (this.#rng.chance(0.1)) continue;
      const { generation } = host;
      this.#later(this.#barriers.lateMs, () => {
        if (generation === host.generation)
          this.#world.notify(host, { kind: "snapshotComplete", barrier });
      });
    }
  }

  #checkChanges(host: Host, { changes }: Cut, view: SimDisk): void {
    if (changes === undefined) return;
    const before = this.#complete.get(changes.since)?.[host.index];
    assert(before !== undefined, `there is no snapshot ${changes.since} to come on top of`);
    checkChanges(before, view, changes);
  }

  #later(maxMs: number, run: () => void): void {
    this.#world.schedule.after(this.#rng.random() * maxMs, run);
  }
}

function numberOn(disk: SimDisk): number {
  const [meta] = disk.read([keyOf("meta")]);
  return meta === undefined ? 0 : decodeMeta(meta).barrier;
}
