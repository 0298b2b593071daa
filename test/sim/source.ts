import { StatefoldError } from "../../src/base/errors.ts";
import { addressKey } from "../../src/model/address.ts";
import type { SourceBatch, SourceRecord } from "../../src/model/source.ts";
import type { Rng } from "../support/rng.ts";
import type { Stray } from "./account.ts";
import type { Root } from "./clients.ts";
import { type Envelope, json, strayOf } from "./functions.ts";
import type { Host } from "./host.ts";
import type { Programs, Step } from "./program.ts";
import type { NodeStage } from "./stage.ts";

/**
 * One topic partition: records at growing offsets, with holes as compaction leaves them, some without a
 * key. It is read from where the owner's position stands, sometimes offered twice and sometimes with a
 * gap (I5).
 */
export class Source {
  readonly name: string;
  readonly owner: Host;
  readonly #rng: Rng;
  readonly #world: NodeStage;
  readonly records: { readonly record: SourceRecord; readonly next: number }[] = [];
  readonly roots: Root[] = [];
  #read = 0;
  /** Something is handed over, and not taken. */
  #isTaking = false;

  constructor(index: number, rng: Rng, programs: Programs, world: NodeStage) {
    this.name = `log/topic/${index}`;
    this.#rng = rng;
    this.#world = world;
    const owner = world.hosts[index % world.hosts.length];
    if (owner === undefined) throw new Error("no owner");
    this.owner = owner;
    const sent = new Map<string, number>();
    let position = 0;
    for (let i = 3 + rng.int(15); i > 0; i--) {
      position += rng.chance(0.1) ? 1 + rng.int(3) : 0;
      const record = rng.chance(0.05)
        ? {
            position,
            messages: [],
            invalid: keyless(this.#stray(position), `${this.name}@${position}`),
          }
        : { position, messages: [this.#message(programs.root(), sent, position)] };
      this.records.push({ record, next: position + 1 });
      position++;
    }
  }

  get isDone(): boolean {
    return this.#read >= this.records.length;
  }

  /** Everything was taken, durably. */
  get isTaken(): boolean {
    const end = this.records.at(-1)?.next ?? 0;
    return this.owner.partition?.positions.durable(this.name) === end;
  }

  /** The names of the records that nobody can get. */
  get strays(): readonly Stray[] {
    return this.records.flatMap(({ record: { invalid, position } }) =>
      invalid === undefined ? [] : [{ name: this.#stray(position), isCertain: true }],
    );
  }

  start(): void {
    this.#pump();
  }

  /** The owner has (re)started: its position says where to go on. */
  opened(host: Host): void {
    if (host !== this.owner) return;
    const position = host.partition?.positions.next(this.name) ?? 0;
    this.#read = this.records.filter(({ next }) => next <= position).length;
  }

  #stray(position: number): string {
    return `keyless ${this.name}@${position}`;
  }

  #message(
    step: Step,
    sent: Map<string, number>,
    position: number,
  ): SourceRecord["messages"][number] {
    const key = addressKey(step.target);
    const nth = (sent.get(key) ?? 0) + 1;
    sent.set(key, nth);
    this.roots.push({ step, isCertain: true });
    const envelope: Envelope = { step, from: this.name, nth, id: `${this.name}@${position}` };
    const value = json(envelope, step.pad);
    return { target: step.target, value, traceparent: undefined, headers: [] };
  }

  #pump(): void {
    const restMs = this.isDone ? 2_000 : 40;
    this.#world.schedule.after(this.#rng.random() * restMs, () => {
      if (this.#world.isOver || (this.isDone && this.isTaken)) return this.#rest();
      this.#offer();
      this.#pump();
    });
  }

  /** All is taken; should a crash take something back, it is there again. */
  #rest(): void {
    if (this.#world.isOver) return;
    this.#world.schedule.after(5_000, () => this.#pump());
  }

  #offer(): void {
    const partition = this.owner.partition;
    if (partition === undefined || this.#isTaking) return;
    if (partition.isFull) return this.#world.faults.paths.hit("full");
    let from = this.#read;
    if (this.#rng.chance(0.1)) from = this.#rng.int(this.#read + 1); // again, in part or whole
    const count = 1 + this.#rng.int(5);
    const run = this.records.slice(from, from + count);
    const last = run.at(-1);
    if (last === undefined) return;
    const first = from === 0 ? 0 : (this.records[from - 1]?.next ?? 0);
    const records = run.map(({ record }) => record);
    const batch: SourceBatch = { source: this.name, first, next: last.next, records };
    const gap = { ...batch, first: last.next + 100, next: last.next + 101, records: [] };
    // One behind the other, as sources do it: where none was taken yet, any is the beginning.
    void this.#take(this.#rng.chance(0.1) ? [batch, gap] : [batch]);
    this.#read = Math.max(this.#read, from + run.length);
  }

  async #take(batches: readonly SourceBatch[]): Promise<void> {
    this.#isTaking = true;
    try {
      for (const batch of batches) await this.#world.take(this.owner, batch);
    } catch (error) {
      // Nothing else may happen, a broken invariant least of all.
      const isDown = error instanceof StatefoldError && error.code !== "INTERNAL";
      if (!isDown) return this.#world.fail(error);
      const isLate = error.message.includes("opened anew");
      this.#world.faults.paths.hitIf(isLate, "threadSourceLate");
      this.opened(this.owner); // it asks where to go on
    } finally {
      this.#isTaking = false;
    }
  }
}

export const keyless = (label: string, id: string) => ({
  ...{ reason: "no key", key: undefined, traceparent: undefined },
  value: json({ ...strayOf(label, { type: "", id: "" }), id }),
  headers: [],
});
