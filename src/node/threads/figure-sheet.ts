/**
 * A partition's figures in memory that two threads share: written by the one it sits on, at the end of a turn, and
 * read by the other whenever it likes, without asking. Each figure is one of the last turn or the one before.
 */

import type { Partition } from "../../partition/partition.ts";
import {
  backlogOf,
  type EgressBacklog,
  FIGURE_NAMES,
  FIGURES,
  type FigureName,
  NO_BACKLOG,
} from "../figures.ts";
import type { Phase } from "../seat.ts";

const PHASES: readonly Phase[] = ["loading", "running", "failed", "stopped"];
/** The places of the figures; before them is the phase, behind them two for each egress. */
const PLACES = new Map(FIGURE_NAMES.map((name, i) => [name, 1 + i]));

export class FigureSheet {
  readonly #egresses: readonly string[];
  readonly #numbers: Float64Array;
  /** As the backlogs were written last. */
  #outbox = 0;

  /** @param egresses in the same order on both sides */
  constructor(
    egresses: readonly string[],
    memory: SharedArrayBuffer = FigureSheet.memoryFor(egresses),
  ) {
    this.#egresses = egresses;
    this.#numbers = new Float64Array(memory);
  }

  static memoryFor(egresses: readonly string[]): SharedArrayBuffer {
    const numbers = 1 + FIGURE_NAMES.length + 2 * egresses.length;
    return new SharedArrayBuffer(numbers * Float64Array.BYTES_PER_ELEMENT);
  }

  get memory(): SharedArrayBuffer {
    return this.#numbers.buffer as SharedArrayBuffer;
  }

  get phase(): Phase {
    return PHASES[this.#numbers[0] ?? 0] ?? "loading";
  }

  figure(name: FigureName): number {
    return this.#numbers[PLACES.get(name) ?? 0] ?? 0;
  }

  backlog(egress: string): EgressBacklog {
    const place = this.#placeOf(egress);
    if (place === undefined) return NO_BACKLOG;
    return { pending: this.#numbers[place] ?? 0, held: this.#numbers[place + 1] ?? 0 };
  }

  /** @param partition undefined: it is down, and its figures are 0 */
  write(phase: Phase, partition: Partition | undefined): void {
    const numbers = this.#numbers;
    if (partition === undefined) numbers.fill(0);
    else this.#writeFigures(partition);
    numbers[0] = PHASES.indexOf(phase);
  }

  #writeFigures(partition: Partition): void {
    for (const [name, place] of PLACES) this.#numbers[place] = FIGURES[name](partition);
    const { outbox } = partition.ledger;
    // With nothing on its way, now or before, there is no backlog to look for.
    if (outbox === 0 && this.#outbox === 0) return;
    this.#outbox = outbox;
    for (const egress of this.#egresses) {
      const place = this.#placeOf(egress) ?? 0;
      const { pending, held } = backlogOf(partition, egress);
      this.#numbers[place] = pending;
      this.#numbers[place + 1] = held;
    }
  }

  #placeOf(egress: string): number | undefined {
    const at = this.#egresses.indexOf(egress);
    return at < 0 ? undefined : 1 + FIGURE_NAMES.length + 2 * at;
  }
}
