/**
 * The partitions of a thread, as the main thread asks for them: the other end of thread-seat.ts. Owns which life each
 * partition is in, and the cuts that are being read. Does not own the partitions' opening and closing: worker.ts.
 */
import { assert } from "../../base/assert.ts";
import { StatefoldError } from "../../base/errors.ts";
import type { Partition } from "../../partition/partition.ts";
import type { Cut } from "../../partition/ports.ts";
import type { StoreSnapshot } from "../../store/contract.ts";
import type { Seat } from "../seat.ts";
import type { ViewName, Views } from "../views.ts";
import type { FigureSheet } from "./figure-sheet.ts";
import type { Hearer, Line } from "./line.ts";
import type { ToMain, ToThread } from "./words.ts";

type Questions = Hearer<ToThread>["questions"];

/** A partition that sits here. */
export interface Seated extends Seat {
  /** Undefined: it is down. */
  readonly partition: Partition | undefined;
}

export class Desk {
  readonly #line: Line<ToMain, ToThread>;
  readonly #sheets: ReadonlyMap<number, FigureSheet>;
  readonly #hosts = new Map<number, Seated>();
  readonly #lives = new Map<number, number>();
  readonly #cuts = new Map<number, StoreSnapshot>();
  #lastCut = 0;

  /** @param sheets by partition */
  constructor(line: Line<ToMain, ToThread>, sheets: ReadonlyMap<number, FigureSheet>) {
    this.#line = line;
    this.#sheets = sheets;
  }

  /** Once, before the main thread asks anything. */
  seat(hosts: readonly Seated[]): void {
    for (const host of hosts) this.#hosts.set(host.index, host);
  }

  readonly notes: Hearer<ToThread>["notes"] = {
    notice: ({ partition, notice }) => this.#host(partition).notify(notice),
    hangUp: ({ partition, request, keep }) => this.#host(partition).hangUp(request, keep),
    closeCut: ({ cut }) => {
      const snapshot = this.#cuts.get(cut);
      this.#cuts.delete(cut);
      snapshot?.close().catch(() => {}); // its store has ended, and ends what was open
    },
  };

  readonly questions: Omit<Questions, "begin" | "stop"> = {
    open: async ({ partition }) => {
      await this.#host(partition).open();
      return undefined;
    },
    // By the main thread's numbers, since nobody else asks here.
    ask: ({ partition, question }) =>
      new Promise((answered, failed) => {
        this.#host(partition).ask(question, { answered, failed });
      }),
    take: async ({ partition, life, batch }) => {
      // I5: it begins at a position of that life, which a later one may know nothing of, and would take for its beginning.
      if (life !== this.#lives.get(partition)) {
        const text = `partition ${partition} has been opened anew since these records were read`;
        throw new StatefoldError("UNAVAILABLE", text);
      }
      await this.#host(partition).take(batch);
      return undefined;
    },
    look: async ({ partition, view, ask }) => {
      // What was handed over before is applied in a turn, which comes first.
      await new Promise(setImmediate);
      return await this.#look(this.#host(partition), view, ask);
    },
    scanCut: async ({ cut, range }) => await this.#cut(cut).scan(range),
    readCut: async ({ cut, keys }) => await this.#cut(cut).getMany(keys),
  };

  /** A partition has opened, again or for the first time. */
  opened(partition: number): void {
    const life = 1 + (this.#lives.get(partition) ?? 0);
    this.#lives.set(partition, life);
    this.#line.tell("opened", { partition, life });
  }

  /** A partition had a turn, or its life has changed. */
  changed({ index, phase, partition }: Seated): void {
    this.#sheets.get(index)?.write(phase, partition);
  }

  cut(partition: number, taken: Cut, snapshot: StoreSnapshot): void {
    const cut = ++this.#lastCut;
    this.#cuts.set(cut, snapshot);
    this.#line.tell("cut", { partition, taken, cut });
  }

  #look<K extends ViewName>(host: Seated, view: K, ask: unknown) {
    // The asker's types say that they belong together: ThreadSeat.look.
    return host.look(view, ask as Views[K]["ask"]);
  }

  #host(index: number): Seated {
    const host = this.#hosts.get(index);
    assert(host !== undefined, `partition ${index} does not sit on this thread`);
    return host;
  }

  #cut(cut: number): StoreSnapshot {
    const snapshot = this.#cuts.get(cut);
    if (snapshot === undefined) throw new StatefoldError("UNAVAILABLE", "the cut was closed");
    return snapshot;
  }
}
