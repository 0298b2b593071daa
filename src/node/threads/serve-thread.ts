/**
 * A thread of partitions: opens what they need (their stores, the functions, the egresses that can be opened more than
 * once), and serves the main thread over a line, and the partitions of other threads over one to each.
 *
 * Everything is made of plain data: modules of functions are loaded again, clients of brokers connected again.
 */
import type { MessagePort } from "node:worker_threads";
import { assert } from "../../base/assert.ts";
import type { Report } from "../../base/report.ts";
import type { Egress } from "../../egress/contract.ts";
import { whyNotInLog } from "../../egress/log.ts";
import { PlaygroundEgress } from "../../egress/playground.ts";
import { DEFAULT_LIMITS } from "../../partition/limits.ts";
import type { Egress as EgressSpec } from "../../spec/module.ts";
import type { Logger } from "../../telemetry/logger.ts";
import { directoryOf } from "../directory.ts";
import { Functions } from "../functions.ts";
import { openHosts } from "../hosts.ts";
import type { PartitionHost } from "../partition-host.ts";
import { openShare, type SharedStorage } from "../storage.ts";
import { releaseOf } from "../ways-out.ts";
import { carried } from "./carried-error.ts";
import { Desk } from "./desk.ts";
import { Elsewhere } from "./elsewhere.ts";
import { endpointShares } from "./endpoint-shares.ts";
import { FigureSheet } from "./figure-sheet.ts";
import { Line } from "./line.ts";
import { hearFrom, overPort } from "./ports.ts";
import { RemoteEgress } from "./remote-egress.ts";
import { type ThreadSetup, threadOf } from "./setup.ts";
import { startThreadFigures } from "./thread-figures.ts";
import { threadLogger } from "./thread-logger.ts";
import type { BetweenThreads, ToMain, ToThread } from "./words.ts";

/** What it has opened besides its partitions. */
interface Opened {
  readonly functions: Functions;
  readonly storage: SharedStorage;
  readonly egresses: ReadonlyMap<string, Egress>;
  readonly hosts: readonly PartitionHost[];
}

/** Returns at once; it begins when the main thread says so, and ends with the port. */
export function serveThread(setup: ThreadSetup, port: MessagePort): void {
  const egressIds = setup.module.egresses.map(({ id }) => id);
  const sheets = new Map(
    [...setup.sheets].map(([partition, memory]) => [partition, new FigureSheet(egressIds, memory)]),
  );
  let opened: Opened | undefined;
  let stopFigures = (): void => {};
  const line: Line<ToMain, ToThread> = new Line<ToMain, ToThread>({
    wire: overPort(port),
    hearer: {
      get notes() {
        return desk.notes;
      },
      get questions() {
        return {
          ...desk.questions,
          begin: async () => {
            opened = await open(setup, line, desk);
            stopFigures = startThreadFigures(setup.figures, [...opened.egresses.values()]);
            return undefined;
          },
          stop: async () => {
            stopFigures();
            await stop(opened);
            return undefined;
          },
        };
      },
    },
  });
  const desk = new Desk(line, sheets);
  hearFrom(port, line);
}

async function open(setup: ThreadSetup, line: Line<ToMain, ToThread>, desk: Desk): Promise<Opened> {
  const { application, module, threads, takesSnapshots } = setup;
  const logger = threadLogger(setup.logLevel, (level, fields, text) => {
    line.tell("log", { level, fields, text });
  });
  const functions = await Functions.open(endpointShares(module.endpoints, threads));
  const egresses = await openEgresses(setup, line, logger);
  for (const egress of egresses.values()) await egress.start();
  const bound = module.egresses.flatMap((spec) => {
    const egress = egresses.get(spec.id);
    return egress === undefined ? [] : [{ egress, release: releaseOf(spec) }];
  });
  const storage = openShare(setup.storage);
  const lines = new Map<number, Line<BetweenThreads, BetweenThreads>>();
  const hosts = openHosts(setup.partitions, {
    ...{ application, storage, egresses, limits: DEFAULT_LIMITS, logger },
    directory: directoryOf(functions, bound),
    invoke: (invocation, signal, end) => functions.invoke(invocation, signal, end),
    onFrames: () => functions.onFrames(),
    onIncarnation: async (incarnation) => {
      await line.ask("incarnated", { incarnation });
    },
    onOpened: (index) => desk.opened(index),
    onCommit: (elapsedMs, writes) => line.tell("committed", { elapsedMs, writes }),
    onCut: takesSnapshots ? (partition, cut, taken) => desk.cut(partition, cut, taken) : undefined,
    onPublished: (egress, elapsedMs, records) => {
      line.tell("published", { egress, elapsedMs, records });
    },
    onChange: (host) => desk.changed(host),
    onEnded: (error) => line.tell("ended", { error: carried(error) }),
    away: new Elsewhere(line, (partition) => lines.get(threadOf(partition, threads))),
  });
  desk.seat(hosts);
  const byIndex = new Map(hosts.map((host) => [host.index, host]));
  for (const [thread, port] of setup.peers) {
    const between: Line<BetweenThreads, BetweenThreads> = new Line({
      wire: overPort(port),
      hearer: {
        notes: {
          peer: ({ to, input }) => {
            const host = byIndex.get(to);
            assert(host !== undefined, `partition ${to} does not sit on this thread`);
            host.offer(input);
          },
        },
        questions: {},
      },
    });
    lines.set(thread, between);
    hearFrom(port, between);
  }
  return { functions, storage, egresses, hosts };
}

/** In the reverse order. */
async function stop(opened: Opened | undefined): Promise<void> {
  if (opened === undefined) return;
  const { hosts, storage, egresses, functions } = opened;
  await Promise.all(hosts.map((host) => host.stop()));
  await storage.close();
  await Promise.all([...egresses.values()].map((egress) => egress.stop()));
  await functions.close();
}

async function openEgresses(
  setup: ThreadSetup,
  line: Line<ToMain, ToThread>,
  logger: Logger,
): Promise<ReadonlyMap<string, Egress>> {
  // What there is to say of the module itself is said by the main thread.
  let isBegun = false;
  const report: Report = (level, message, fields) => {
    if (isBegun) logger[level](fields ?? {}, message);
  };
  const egresses = new Map<string, Egress>();
  for (const spec of setup.module.egresses) {
    const egress = await openEgress(spec, setup, line, report);
    if (egress !== undefined) egresses.set(spec.id, egress);
  }
  isBegun = true;
  return egresses;
}

async function openEgress(
  spec: EgressSpec,
  { maxRecordBytes, kafka }: ThreadSetup,
  line: Line<ToMain, ToThread>,
  report: Report,
): Promise<Egress | undefined> {
  const { id } = spec;
  switch (spec.kind) {
    case "kafka": {
      const { openKafkaEgress } = await import("../kafka.ts");
      return openKafkaEgress(spec, { ...kafka, report });
    }
    case "log":
      return new RemoteEgress(id, line, (value) => whyNotInLog(value, maxRecordBytes));
    case "playground": {
      // Never started: it only knows what it takes.
      const playground = new PlaygroundEgress({ id, port: 0, topics: spec.topics });
      return new RemoteEgress(id, line, (value) => playground.check(value));
    }
    case "kinesis":
      return undefined; // refused before: load-modules.ts
  }
}
