import { systemClock } from "../src/base/clock.ts";
import { deferred } from "../src/base/deferred.ts";
import { encodeString, STRING_TYPE } from "../src/model/builtin-types.ts";
import type { DelayedEffect, Invocation, Outcome, StateSpec } from "../src/model/invocation.ts";
import type { SourceRecord } from "../src/model/source.ts";
import type { TypedValue } from "../src/model/typed-value.ts";
import { Driver } from "../src/partition/driver.ts";
import { DEFAULT_LIMITS } from "../src/partition/limits.ts";
import type { FunctionBinding } from "../src/partition/ports.ts";
import { openPartition } from "../src/partition/recovery.ts";
import { DataDirectory } from "../src/store/directory.ts";
import { idOf, noteOf } from "./idle-functions.ts";
import { type FromChild, serveParent } from "./support/processes.ts";

/*
 * Data as a node would have written it, quickly: a real partition on a real data directory, run by the
 * real driver; only HTTP and the functions are left out. It ends without a word, as a node does at kill -9.
 */
export interface BuildQuestion {
  readonly dir: string;
  /** Addresses `bench/idle/ID`, ids from `first` on, each called once. */
  readonly first: number;
  readonly count: number;
  /** Of the one state that the call sets; 0: it sets none. */
  readonly stateBytes: number;
  /** When the delayed message is due that the call makes, at the earliest; undefined: it makes none. */
  readonly timerInMs: number | undefined;
}

/** What is due is due within so long a time. */
const SPREAD_MS = 24 * 60 * 60 * 1000;
const PER_BATCH = 1_000;
/** Nothing is written for having to wait. */
const CONCURRENCY = 2 * PER_BATCH;
/** What the messages come from; it is remembered where it was read to. */
const SOURCE = "bench/0";

serveParent(async (question: BuildQuestion): Promise<FromChild> => {
  const { dir, first, count } = question;
  const directory = await DataDirectory.open({ dir, application: "statefold", partitions: 1 });
  const store = await directory.openPartition(0);
  const done = deferred<void>();
  const binding: FunctionBinding = {
    endpoint: "bench/*",
    onFailure: "park",
    retry: { maxAttempts: 5, initialMs: 100, maxMs: 30_000 },
    concurrency: CONCURRENCY,
    delivery: "immediate",
    maxBatchMessages: 10_000,
  };
  const partition = await openPartition(store, {
    ...{ formatVersion: directory.description.formatVersion, application: "statefold" },
    ...{ partition: 0, partitionCount: 1, limits: DEFAULT_LIMITS, random: Math.random },
    directory: { function: () => binding, egress: () => undefined },
  });
  const begin = partition.positions.next(SOURCE) ?? 0;
  const end = begin + count;
  let next = begin;
  const feed = (): void => {
    const { epochs } = partition;
    while (
      next < end &&
      partition.unfinished < PER_BATCH &&
      (partition.positions.next(SOURCE) ?? 0) === next
    ) {
      const records = recordsOf(next, Math.min(end, next + PER_BATCH), first - begin);
      const from = next;
      next += records.length;
      driver.offer({ kind: "source", source: SOURCE, first: from, next, records });
    }
    const isDurable = !epochs.isCommitting && epochs.dirtySinceMs === undefined;
    if (partition.positions.next(SOURCE) === end && partition.unfinished === 0 && isDurable) {
      done.resolve();
    }
  };
  const driver = new Driver({
    ...{ partition, store, clock: systemClock, onTurn: feed, onCommit: () => {} },
    invoke: (invocation, _, end) => end(invoke(invocation, question)),
    release: () => {},
    onFailure: (error) => done.reject(error),
  });
  await done.promise;
  await driver.stop();
  await directory.close();
  return {};
});

function recordsOf(from: number, until: number, offset: number): SourceRecord[] {
  return Array.from({ length: until - from }, (_, i) => {
    const target = { type: "bench/idle", id: idOf(from + i + offset) };
    return { position: from + i, messages: [{ ...MESSAGE, target }] };
  });
}

const MESSAGE = {
  value: { typename: STRING_TYPE, hasValue: true, value: encodeString("?") },
  headers: [],
  traceparent: undefined,
};

function invoke({ target, state }: Invocation, question: BuildQuestion): Outcome {
  const { stateBytes, timerInMs } = question;
  if (stateBytes > 0 && state.length === 0) return { kind: "incomplete", missing: [NOTE] };
  const mutations = stateBytes === 0 ? [] : [{ name: NOTE.name, value: noteValue(stateBytes) }];
  const delayed: DelayedEffect[] = [];
  if (timerInMs !== undefined) {
    const delayMs = timerInMs + Math.floor(Math.random() * SPREAD_MS);
    delayed.push({ kind: "send", target, value: noteValue(20), token: "", delayMs });
  }
  return { kind: "reply", effects: { messages: [], egress: [], delayed, mutations } };
}

const NOTE: StateSpec = {
  name: "note",
  typename: STRING_TYPE,
  expireMode: "never",
  expireAfterMs: 0,
};

function noteValue(bytes: number): TypedValue {
  return { typename: STRING_TYPE, hasValue: true, value: encodeString(noteOf(bytes)) };
}
