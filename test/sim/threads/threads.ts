/**
 * The threads that partitions sit on, in simulated time: what these have for each other, and what the main thread
 * tells them, goes over the node's own lines, seats and desks, in batches that are late and that are lost with a
 * thread. Requests of callers are told at once, as without threads: their ways are slow enough.
 */
import assert from "node:assert/strict";
import { StatefoldError } from "../../../src/base/errors.ts";
import type { SourceBatch } from "../../../src/model/source.ts";
import type { Notice } from "../../../src/node/seat.ts";
import { Desk } from "../../../src/node/threads/desk.ts";
import { FigureSheet } from "../../../src/node/threads/figure-sheet.ts";
import { type Batch, Line, type Words } from "../../../src/node/threads/line.ts";
import { mainDesk } from "../../../src/node/threads/main-desk.ts";
import { threadOf } from "../../../src/node/threads/setup.ts";
import { ThreadSeat } from "../../../src/node/threads/thread-seat.ts";
import type { BetweenThreads, ToMain, ToThread } from "../../../src/node/threads/words.ts";
import { type PeerRelease, peerInput } from "../../../src/partition/peers.ts";
import { createLogger } from "../../../src/telemetry/logger.ts";
import type { Rng } from "../../support/rng.ts";
import type { Host } from "../host.ts";
import type { Paths } from "../paths.ts";
import type { Stage } from "../stage.ts";
import { SimSeat } from "./seat.ts";
import type { ThreadsSwarm } from "./swarm.ts";

export interface ThreadsParts {
  readonly world: Stage;
  readonly rng: Rng;
  readonly swarm: ThreadsSwarm;
  readonly paths: Paths;
  /** The main thread has heard that a partition has opened. */
  readonly onOpened: (host: Host) => void;
}

/** The main thread, as a number among the others. */
const MAIN = -1;

const SILENT = createLogger({ level: "silent" });

/** One life of the node's threads. */
interface Life {
  readonly seats: readonly ThreadSeat[];
  readonly desks: readonly Desk[];
  readonly between: ReadonlyMap<string, Line<BetweenThreads, BetweenThreads>>;
  /** Threads that are no more; true: what they had sent still arrives. */
  readonly gone: Map<number, boolean>;
  /** Until when each way is taken, by its ends: batches keep their order. */
  readonly untilMs: Map<string, number>;
}

export class SimThreads {
  readonly #parts: ThreadsParts;
  #life: Life;
  /** In which life of its receiver each message was sent that is on its way, by the ends. */
  #sent = new Map<string, number[]>();

  constructor(parts: ThreadsParts) {
    this.#parts = parts;
    this.#life = this.#begin();
  }

  /** All of it is gone with the node, and begins anew. */
  restart(): void {
    const over = new StatefoldError("THREAD_ENDED", "the node is gone");
    for (const line of this.#lines) line.end(over);
    for (const seat of this.#life.seats) seat.gone(over);
    this.#life = this.#begin();
    this.#sent = new Map();
  }

  /** A thread ends by itself; the others do not know yet. Returns the partitions that are lost with it. */
  end(): readonly Host[] {
    const { rng, swarm, world } = this.#parts;
    const thread = rng.int(swarm.count);
    if (this.#life.gone.size > 0) return [];
    this.#life.gone.set(thread, rng.chance(0.5));
    return world.hosts.filter(({ index }) => threadOf(index, swarm.count) === thread);
  }

  get noticedMs(): number {
    return this.#parts.rng.random() * this.#parts.swarm.noticedMs;
  }

  isGone(host: Host): boolean {
    return this.#life.gone.has(this.#threadOf(host.index));
  }

  turned(host: Host): void {
    this.#own.get(host.index)?.offerSources();
  }

  closed(host: Host): void {
    this.#own.get(host.index)?.closed();
  }

  opened(host: Host): void {
    this.#life.desks[this.#threadOf(host.index)]?.opened(host.index);
  }

  notify(host: Host, notice: Notice): void {
    this.#life.seats[host.index]?.notify(notice);
  }

  async take(host: Host, batch: SourceBatch): Promise<void> {
    const seat = this.#life.seats[host.index];
    assert(seat !== undefined);
    this.#parts.paths.hitIf(this.#isFull(host), "threadFull");
    await seat.take(batch);
  }

  /** False: both sit on one thread. */
  carry(from: Host, release: PeerRelease): boolean {
    const [here, there] = [this.#threadOf(from.index), this.#threadOf(release.to)];
    if (here === there) return false;
    const way = `${here} ${there}`;
    const { generation = 0 } = this.#parts.world.hosts[release.to] ?? {};
    const sent = this.#sent.get(way) ?? [];
    this.#sent.set(way, [...sent, generation]);
    const input = peerInput(from.index, release);
    this.#life.between.get(way)?.tell("peer", { to: release.to, input });
    return true;
  }

  #isFull(host: Host): boolean {
    return this.#lines[this.#threadOf(host.index)]?.isFull === true;
  }

  /** The partitions where they sit, of this life. */
  readonly #own = new Map<number, SimSeat>();
  /** To the threads, of this life. */
  #lines: readonly Line<ToThread, ToMain>[] = [];

  #threadOf(partition: number): number {
    return threadOf(partition, this.#parts.swarm.count);
  }

  #begin(): Life {
    const { swarm, world } = this.#parts;
    const threads = Array.from({ length: swarm.count }, (_, thread) => thread);
    const seats: ThreadSeat[] = [];
    const desks: Desk[] = [];
    const between = new Map<string, Line<BetweenThreads, BetweenThreads>>();
    const life: Life = { seats, desks, between, gone: new Map(), untilMs: new Map() };
    this.#lines = threads.map((thread) => {
      const line = this.#lineTo(thread, life, seats, desks);
      for (const host of world.hosts) {
        if (this.#threadOf(host.index) !== thread) continue;
        seats[host.index] = new ThreadSeat({ index: host.index, line, sheet: new FigureSheet([]) });
      }
      return line;
    });
    for (const one of threads) {
      for (const other of threads) if (one < other) this.#join(one, other, life, between);
    }
    return life;
  }

  #lineTo(thread: number, life: Life, seats: ThreadSeat[], desks: Desk[]): Line<ToThread, ToMain> {
    const { world, swarm, onOpened } = this.#parts;
    const main: Line<ToThread, ToMain> = new Line<ToThread, ToMain>({
      ...this.#way(life, MAIN, thread, (batch) => far.receive(batch)),
      maxBytes: swarm.maxBytes,
      onRoom: () => {
        for (const [index, seat] of seats.entries()) {
          if (this.#threadOf(index) === thread) seat.offerSources();
        }
      },
      hearer: mainDesk(
        {
          onOpened: (index) => {
            const host = world.hosts[index];
            if (host !== undefined) onOpened(host);
          },
          ...{ egresses: new Map(), onCommit: () => {}, onPublished: () => {}, logger: SILENT },
          onEnded: () => {},
        },
        {
          line: () => main,
          seat: (index) => {
            const seat = seats[index];
            assert(seat !== undefined);
            return seat;
          },
          seats: () => seats,
        },
      ),
    });
    const far: Line<ToMain, ToThread> = new Line<ToMain, ToThread>({
      ...this.#way(life, thread, MAIN, (batch) => main.receive(batch)),
      maxBytes: swarm.maxBytes,
      hearer: {
        get notes() {
          return desk.notes;
        },
        get questions() {
          return { ...desk.questions, begin: () => undefined, stop: () => undefined };
        },
      },
    });
    const desk = new Desk(far, new Map());
    const here = world.hosts.filter(({ index }) => this.#threadOf(index) === thread);
    const own = here.map((host) => new SimSeat(host));
    for (const seat of own) this.#own.set(seat.index, seat);
    desk.seat(own);
    desks[thread] = desk;
    return main;
  }

  #join(
    one: number,
    other: number,
    life: Life,
    between: Map<string, Line<BetweenThreads, BetweenThreads>>,
  ): void {
    const ends: Line<BetweenThreads, BetweenThreads>[] = [];
    for (const [i, [from, to]] of [[one, other] as const, [other, one] as const].entries()) {
      const line: Line<BetweenThreads, BetweenThreads> = new Line({
        ...this.#way(life, from, to, (batch) => ends[1 - i]?.receive(batch)),
        hearer: {
          notes: {
            peer: ({ to: partition, input }) => this.#arrived(`${to} ${from}`, partition, input),
          },
          questions: {},
        },
      });
      ends.push(line);
      between.set(`${from} ${to}`, line);
    }
  }

  #arrived(way: string, partition: number, input: Parameters<Host["offer"]>[0]): void {
    const { world, paths } = this.#parts;
    const host = world.hosts[partition];
    assert(host !== undefined);
    const generation = this.#sent.get(way)?.shift();
    const isTaken = host.offer(input);
    paths.hitIf(isTaken && generation !== host.generation, "threadBatchLate");
  }

  #way<In extends Words>(
    life: Life,
    from: number,
    to: number,
    arrive: (batch: Batch) => void,
  ): Pick<ConstructorParameters<typeof Line<Words, In>>[0], "wire" | "atEndOfTurn"> {
    const { world, rng, swarm, paths } = this.#parts;
    const { schedule } = world;
    const way = `${from} ${to}`;
    return {
      atEndOfTurn: (run) => schedule.after(rng.random() * swarm.turnMs, run),
      wire: (batch, transfer) => {
        if (life.gone.has(from)) return;
        const moved = structuredClone(batch, { transfer: [...transfer] });
        const atMs = schedule.nowMs + rng.random() * swarm.wayMs;
        const untilMs = Math.max(atMs, life.untilMs.get(way) ?? 0);
        life.untilMs.set(way, untilMs);
        schedule.after(untilMs - schedule.nowMs, () => {
          if (life !== this.#life) return;
          const isLost = life.gone.has(to) || life.gone.get(from) === false;
          paths.hitIf(isLost && moved.items.length > 0, "threadBatchLost");
          if (!isLost) arrive(moved);
        });
      },
    };
  }
}
