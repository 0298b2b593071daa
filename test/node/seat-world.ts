/** One partition by itself, here or at the other end of a line; its functions answer when they are told to. */
import type { TestContext } from "node:test";
import { MessageChannel } from "node:worker_threads";
import { type Deferred, deferred } from "../../src/base/deferred.ts";
import { describeError, StatefoldError } from "../../src/base/errors.ts";
import type { Egress } from "../../src/egress/contract.ts";
import type { Invocation, Outcome } from "../../src/model/invocation.ts";
import type { SourceBatch } from "../../src/model/source.ts";
import type { TypedValue } from "../../src/model/typed-value.ts";
import { type Asked, asked } from "../../src/node/asked.ts";
import { PartitionHost, type PartitionHostOptions } from "../../src/node/partition-host.ts";
import type { Seat } from "../../src/node/seat.ts";
import { carried } from "../../src/node/threads/carried-error.ts";
import { Desk } from "../../src/node/threads/desk.ts";
import { FigureSheet } from "../../src/node/threads/figure-sheet.ts";
import { Line } from "../../src/node/threads/line.ts";
import { mainDesk } from "../../src/node/threads/main-desk.ts";
import { hearFrom, overPort } from "../../src/node/threads/ports.ts";
import { RemoteEgress } from "../../src/node/threads/remote-egress.ts";
import { ThreadSeat } from "../../src/node/threads/thread-seat.ts";
import type { ToMain, ToThread } from "../../src/node/threads/words.ts";
import type { NumberedDead } from "../../src/node/views.ts";
import { deadRange } from "../../src/partition/dead-letters.ts";
import { DEFAULT_LIMITS, type PartitionLimits } from "../../src/partition/limits.ts";
import type { Cut, FunctionBinding } from "../../src/partition/ports.ts";
import type { StoreSnapshot } from "../../src/store/contract.ts";
import { atEnd } from "../support/cleanup.ts";
import { byPromise } from "../support/outcomes.ts";
import { until } from "../support/until.ts";
import { FaultyDisk, SILENT } from "./a-node.ts";

export const TYPE = "test/fn";

export const BINDING: FunctionBinding = {
  endpoint: "test/*",
  onFailure: "park",
  retry: { maxAttempts: 1, initialMs: 1, maxMs: 1 },
  concurrency: 10,
  delivery: "immediate",
  maxBatchMessages: 1_000,
};

export const VALUE = { typename: "test/Text", hasValue: true, value: Buffer.from("hello") };
export const RECORD = { egress: "test/out", value: VALUE };

export const DONE: Outcome = {
  kind: "reply",
  effects: { messages: [], delayed: [], egress: [], mutations: [] },
};

/** A batch of a source of its own. */
export function batch(source: string, first: number, count: number): SourceBatch {
  const records = Array.from({ length: count }, (_, i) => ({
    position: first + i,
    messages: [
      {
        ...{ target: { type: TYPE, id: `${source}-${first + i}` }, value: VALUE, headers: [] },
        traceparent: undefined,
      },
    ],
  }));
  return { source, first, next: first + count, records };
}

export class SeatWorld {
  readonly disk = new FaultyDisk();
  readonly calls: { readonly invocation: Invocation; readonly answer: Deferred<Outcome> }[] = [];
  readonly cuts: { readonly cut: Cut; readonly snapshot: StoreSnapshot }[] = [];
  readonly published: string[] = [];
  readonly ended = deferred<StatefoldError>();
  /** Of the main thread. */
  readonly egress: Egress = {
    id: "test/out",
    start: async () => {},
    open: () => {},
    check: () => undefined,
    publish: async (_, first, records) => {
      if (this.refusal !== undefined) throw new Error(this.refusal);
      for (const [i, { value }] of records.entries()) {
        this.published.push(`${first + i} ${Buffer.from(value.value)}`);
      }
      return { refused: [] };
    },
    stop: async () => {},
  };
  /** Why the egress takes nothing. */
  refusal: string | undefined;
  /** Why the node takes nothing in. */
  held: string | undefined;
  /** How often sources were told to ask where to go on. */
  opened = 0;
  /** Called as the partition has opened, where it sits, before anybody is told. */
  onOpenedThere: () => void = () => {};
  seat!: Seat & { readonly waiting: number };
  /** Ends the partition, wherever it sits. */
  stop!: () => Promise<void>;
  /** Across a line: its thread is gone. */
  end: (error: StatefoldError) => void = () => {};

  get waiting(): number {
    return this.seat.waiting;
  }

  ask(id: string, value: TypedValue = VALUE): Asked {
    return asked(this.seat, {
      ...{ kind: "send", target: { type: TYPE, id }, value, delayMs: 0, headers: [] },
      ...{ idempotencyKey: undefined, traceparent: undefined },
    });
  }

  call(id: string): Asked {
    return asked(this.seat, {
      ...{ kind: "call", target: { type: TYPE, id }, value: VALUE, headers: [] },
      ...{ idempotencyKey: undefined, traceparent: undefined },
    });
  }

  async send(id: string): Promise<void> {
    await this.ask(id).answer;
  }

  /** The next call of the functions, as soon as it comes. */
  async called() {
    return await until("a call", () => this.calls.shift());
  }

  /** Its memory is lost: a commit fails. */
  async fail(): Promise<void> {
    this.disk.refuses = () => true;
    await this.send("fails").catch(() => {});
    this.disk.refuses = () => false;
  }

  async reopened(times: number): Promise<void> {
    await until(`it to be opened ${times} times`, () => this.opened === times);
  }

  async dead(): Promise<(NumberedDead | undefined)[]> {
    const { from, until: end } = deadRange();
    const nobody = { type: undefined, code: undefined, reason: undefined, untilMs: undefined };
    const query = { ...nobody, after: undefined, limit: 10 };
    const part = { range: { from, until: end }, limit: 10, examined: 100, query };
    return (await this.seat.look("dead", part)).map(({ item }) => item);
  }

  /** Whole, with its causes. */
  reasonOf(error: StatefoldError): string {
    return describeError(error);
  }

  /** What a partition's host is made of, but for what it tells others. */
  async hostOptions(
    t: TestContext,
    limits: PartitionLimits,
    egress: Egress,
  ): Promise<Omit<PartitionHostOptions, "onEnded" | "onOpened" | "onCut">> {
    const options = { application: "test", dataDir: undefined, partitions: 1, acceptLoss: false };
    const storage = await this.disk.open(options);
    atEnd(t, () => storage.close());
    return {
      ...{ index: 0, application: "test", storage, limits, logger: SILENT, reopenAfterMs: 1 },
      directory: {
        function: (type) => (type === TYPE ? BINDING : undefined),
        egress: (id) => (id === egress.id ? egress : undefined),
      },
      egresses: new Map([[egress.id, egress]]),
      invoke: byPromise((invocation) => {
        const answer = deferred<Outcome>();
        this.calls.push({ invocation, answer });
        return answer.promise;
      }),
      ...{ toPeer: () => {}, onCommit: () => {}, onPublished: () => {} },
    };
  }
}

/** On this thread. */
export async function openHere(t: TestContext, limits = DEFAULT_LIMITS): Promise<SeatWorld> {
  const world = new SeatWorld();
  const host = new PartitionHost({
    ...(await world.hostOptions(t, limits, world.egress)),
    held: () => world.held,
    onOpened: () => world.opened++,
    onCut: (_, cut, snapshot) => world.cuts.push({ cut, snapshot }),
    onEnded: (error) => world.ended.resolve(error),
  });
  world.seat = host;
  world.stop = () => host.stop();
  atEnd(t, () => host.stop());
  await host.open();
  return world;
}

/** At the other end of a real message channel, whose messages are copied and moved as between threads. */
export async function openAcross(
  t: TestContext,
  limits = DEFAULT_LIMITS,
  maxBytes?: number,
): Promise<SeatWorld> {
  const world = new SeatWorld();
  const { port1, port2 } = new MessageChannel();
  atEnd(t, async () => {
    port1.close();
    port2.close();
  });
  const memory = FigureSheet.memoryFor([world.egress.id]);
  const bound = maxBytes === undefined ? {} : { maxBytes };
  const main: Line<ToThread, ToMain> = new Line<ToThread, ToMain>({
    ...{ ...bound, wire: overPort(port1), onRoom: () => world.seat.offerSources() },
    hearer: mainDesk(
      {
        egresses: new Map([[world.egress.id, world.egress]]),
        onOpened: () => world.opened++,
        ...{ onCommit: () => {}, onPublished: () => {}, logger: SILENT },
        onCut: (_, cut, snapshot) => world.cuts.push({ cut, snapshot }),
        onEnded: (error) => world.ended.resolve(error),
      },
      { line: () => main, seat: () => seat, seats: () => [seat] },
    ),
  });
  hearFrom(port1, main);
  const sheet = new FigureSheet([world.egress.id], memory);
  const seat = new ThreadSeat({ index: 0, line: main, sheet, held: () => world.held });
  world.seat = seat;
  const host = await serveAcross(t, world, limits, { port: port2, memory, bound });
  world.end = (error) => {
    main.end(error);
    seat.gone(error);
  };
  world.stop = async () => {
    await host.stop();
    world.end(new StatefoldError("UNAVAILABLE", "the thread has stopped"));
  };
  await seat.open();
  return world;
}

async function serveAcross(
  t: TestContext,
  world: SeatWorld,
  limits: PartitionLimits,
  {
    port,
    memory,
    bound,
  }: {
    readonly port: MessagePort;
    readonly memory: SharedArrayBuffer;
    readonly bound: { readonly maxBytes?: number };
  },
): Promise<PartitionHost> {
  const line: Line<ToMain, ToThread> = new Line<ToMain, ToThread>({
    ...{ ...bound, wire: overPort(port) },
    hearer: {
      get notes() {
        return desk.notes;
      },
      get questions() {
        return { ...desk.questions, begin: () => undefined, stop: () => undefined };
      },
    },
  });
  const desk = new Desk(line, new Map([[0, new FigureSheet([world.egress.id], memory)]]));
  const egress = new RemoteEgress(world.egress.id, line, () => undefined);
  const host = new PartitionHost({
    ...(await world.hostOptions(t, limits, egress)),
    onOpened: (index) => {
      world.onOpenedThere();
      desk.opened(index);
    },
    onCut: (partition, cut, taken) => desk.cut(partition, cut, taken),
    onChange: (changed) => desk.changed(changed),
    onEnded: (error) => line.tell("ended", { error: carried(error) }),
  });
  atEnd(t, () => host.stop());
  desk.seat([host]);
  hearFrom(port, line);
  return host;
}

type MessagePort = InstanceType<typeof MessageChannel>["port1"];
