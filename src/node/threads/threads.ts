/**
 * The partitions of a node on several threads: partition p sits on thread p mod N, with its store, its calls of
 * functions and its publishers. The main thread keeps what there is one of: the ways in, the topic log, snapshots.
 *
 * Threads have lines to each other, besides those to the main thread: what partitions have for each other is all that
 * many messages are, and would be packed and unpacked twice by the one thread that everything else goes through.
 */
import { MessageChannel, type MessagePort } from "node:worker_threads";
import { assert } from "../../base/assert.ts";
import type { LogLevel } from "../../telemetry/logger.ts";
import { FigureSheet } from "./figure-sheet.ts";
import { type MainDeskOptions, mainDesk } from "./main-desk.ts";
import { type ThreadSetup, threadOf } from "./setup.ts";
import { Thread } from "./thread.ts";
import { ThreadFigures } from "./thread-figures.ts";
import { ThreadSeat } from "./thread-seat.ts";

export interface ThreadsOptions extends MainDeskOptions {
  /** At least 1, and no more than there are partitions. */
  readonly count: number;
  /** What is the same for all. */
  readonly setup: Omit<
    ThreadSetup,
    "threads" | "partitions" | "sheets" | "figures" | "peers" | "logLevel"
  >;
  /** As in ThreadSeatOptions. */
  readonly held: () => string | undefined;
}

export class Threads {
  /** By partition. */
  readonly seats: readonly ThreadSeat[];
  /** By thread. */
  readonly figures: readonly ThreadFigures[];
  readonly #threads: readonly Thread[];

  constructor(options: ThreadsOptions) {
    const { count, setup, held, logger } = options;
    const { partitionCount } = setup.storage;
    assert(count >= 1 && count <= partitionCount, `${count} threads of ${partitionCount}`);
    const egresses = setup.module.egresses.map(({ id }) => id);
    const ports = portsBetween(count);
    const seats: ThreadSeat[] = [];
    const figures: ThreadFigures[] = [];
    this.#threads = ports.map((peers, number) => {
      const partitions = Array.from({ length: partitionCount }, (_, p) => p).filter(
        (partition) => threadOf(partition, count) === number,
      );
      const sheets = new Map(partitions.map((p) => [p, new FigureSheet(egresses)]));
      const memory = ThreadFigures.memoryFor(egresses.length);
      figures.push(new ThreadFigures(memory));
      const thread: Thread = new Thread({
        ...{ number, logger, onEnded: options.onEnded },
        setup: {
          ...{ ...setup, threads: count, partitions, peers, figures: memory },
          sheets: new Map([...sheets].map(([partition, sheet]) => [partition, sheet.memory])),
          logLevel: logger.level as LogLevel,
        },
        hearer: mainDesk(options, {
          line: () => thread.line,
          seat: (partition) => this.#seat(partition),
          seats: () => this.seats,
        }),
        onRoom: () => {
          for (const seat of thread.seats) seat.offerSources();
        },
      });
      for (const [index, sheet] of sheets) {
        const seat = new ThreadSeat({ index, line: thread.line, sheet, held });
        seats[index] = seat;
        thread.seats.push(seat);
      }
      return thread;
    });
    this.seats = seats;
    this.figures = figures;
  }

  /** @throws StatefoldError of what does not open on one of them */
  async begin(): Promise<void> {
    await Promise.all(this.#threads.map((thread) => thread.begin()));
  }

  /** Idempotent. */
  async stop(): Promise<void> {
    await Promise.all(this.#threads.map((thread) => thread.stop()));
  }

  #seat(partition: number): ThreadSeat {
    const seat = this.seats[partition];
    assert(seat !== undefined, `there is no partition ${partition}`);
    return seat;
  }
}

/** For each thread its ends of the channels to the others. */
function portsBetween(count: number): Map<number, MessagePort>[] {
  const ports = Array.from({ length: count }, () => new Map<number, MessagePort>());
  for (const [one, ends] of ports.entries()) {
    for (let other = 0; other < one; other++) {
      const { port1, port2 } = new MessageChannel();
      ends.set(other, port1);
      ports[other]?.set(one, port2);
    }
  }
  return ports;
}
