import { Buffer } from "node:buffer";
import { randomBytes } from "node:crypto";
import { systemClock } from "../src/base/clock.ts";
import { deferred } from "../src/base/deferred.ts";
import { encodeString, STRING_TYPE } from "../src/model/builtin-types.ts";
import type { DelayedEffect, Invocation, Outcome, StateSpec } from "../src/model/invocation.ts";
import type { TypedValue } from "../src/model/typed-value.ts";
import { Driver } from "../src/partition/driver.ts";
import { DEFAULT_LIMITS } from "../src/partition/limits.ts";
import type { FunctionBinding } from "../src/partition/ports.ts";
import { openPartition } from "../src/partition/recovery.ts";
import { DataDirectory } from "../src/store/directory.ts";
import { idOf } from "./idle-functions.ts";
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
/** Messages that wait to be handled: no more than this, so that none is written for waiting. */
const AT_ONCE = 2_000;
/** The module's own default. */
const CONCURRENCY = 64;

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
  let next = first;
  let answered = 0;
  const feed = (): void => {
    for (; next < first + count && next - first - answered < AT_ONCE; next++) {
      const target = { type: "bench/idle", id: idOf(next) };
      const value = {
        typename: STRING_TYPE,
        hasValue: true,
        value: encodeString(Buffer.from("?")),
      };
      driver.offer({
        ...{ kind: "send", request: next, target, value, delayMs: 0, headers: [] },
        ...{ idempotencyKey: undefined, traceparent: undefined },
      });
    }
    if (answered === count && partition.unfinished === 0) done.resolve();
  };
  const driver = new Driver({
    ...{ partition, store, clock: systemClock, onTurn: feed, onCommit: () => {} },
    invoke: async (invocation) => invoke(invocation, question),
    release: (release) => {
      if (release.kind === "accepted") answered++;
    },
    onFailure: (error) => done.reject(error),
  });
  await done.promise;
  await driver.stop();
  await directory.close();
  return {};
});

function invoke({ target, state }: Invocation, question: BuildQuestion): Outcome {
  const { stateBytes, timerInMs } = question;
  if (stateBytes > 0 && state.length === 0) return { kind: "incomplete", missing: [NOTE] };
  const mutations = stateBytes === 0 ? [] : [{ name: NOTE.name, value: noteOf(stateBytes) }];
  const delayed: DelayedEffect[] = [];
  if (timerInMs !== undefined) {
    const delayMs = timerInMs + Math.floor(Math.random() * SPREAD_MS);
    delayed.push({ kind: "send", target, value: noteOf(20), token: "", delayMs });
  }
  return { kind: "reply", effects: { messages: [], egress: [], delayed, mutations } };
}

const NOTE: StateSpec = {
  name: "note",
  typename: STRING_TYPE,
  expireMode: "never",
  expireAfterMs: 0,
};

/** Text that does not compress to nothing. */
function noteOf(bytes: number): TypedValue {
  const text = randomBytes(Math.ceil(bytes / 2))
    .toString("hex")
    .slice(0, bytes);
  return { typename: STRING_TYPE, hasValue: true, value: encodeString(Buffer.from(text)) };
}
