import type { Release } from "../../src/partition/ports.ts";
import { egressDestination } from "../../src/store/keys.ts";
import type { Host } from "./host.ts";
import type { Receiver } from "./receiver.ts";
import type { Stage } from "./stage.ts";

type Publish = Extract<Release, { readonly kind: "publish" }>;

const RETRY_MS = 200;

/**
 * Brings what partitions release to an egress: in order, one call at a time for each partition, again
 * after a failure. The counterpart of src/node/publisher.ts.
 */
export class Publishers {
  readonly #world: Stage;
  readonly #random: () => number;
  readonly #receivers: ReadonlyMap<string, Receiver>;
  readonly #queues = new Map<string, Publish[]>();
  readonly #paceMs: number;

  constructor(world: Stage, random: () => number, receivers: ReadonlyMap<string, Receiver>) {
    this.#world = world;
    this.#random = random;
    this.#receivers = receivers;
    this.#paceMs = [1, 10, 100][Math.floor(random() * 3)] ?? 1;
  }

  publish(from: Host, release: Publish): void {
    // A queue dies with the life whose releases it holds.
    const name = `${from.index}/${from.generation}/${release.egress}`;
    const waiting = this.#queues.get(name);
    if (waiting !== undefined) {
      waiting.push(release);
      return;
    }
    this.#queues.set(name, [release]);
    this.#next(name, from, from.generation, this.#paceMs);
  }

  #next(name: string, from: Host, generation: number, maxMs: number): void {
    const { schedule } = this.#world;
    schedule.after(this.#random() * maxMs, () => {
      const queue = this.#queues.get(name);
      const release = queue?.[0];
      if (generation !== from.generation || queue === undefined || release === undefined) {
        this.#queues.delete(name);
        return;
      }
      const isTaken = this.#call(from, release);
      if (isTaken) queue.shift();
      if (queue.length === 0) this.#queues.delete(name);
      else this.#next(name, from, generation, isTaken ? this.#paceMs : RETRY_MS);
    });
  }

  /** False: it must be sent again, whether or not it arrived. */
  #call(from: Host, { egress, first, records }: Publish): boolean {
    const { faults, schedule } = this.#world;
    if (faults.isDuring("egressDown", egress, schedule.nowMs)) {
      faults.count("egressDown");
      faults.paths.hit("egressDown");
      return false;
    }
    const refused = this.#receivers.get(egress)?.take(from.index, first, records) ?? [];
    if (faults.strikes("egressRepeats", 0.3)) return false;
    const destination = egressDestination(egress);
    const upTo = first + records.length - 1;
    const acknowledge = () => from.offer({ kind: "acknowledged", destination, upTo, refused });
    acknowledge();
    if (faults.strikes("doubles", 0.2)) {
      const { generation } = from;
      schedule.after(this.#random() * 100, () => {
        if (generation === from.generation) acknowledge();
      });
    }
    return true;
  }
}
