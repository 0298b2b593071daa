/**
 * What one seed is about: a random subset of features and faults, each with an intensity of its own. A
 * few seeds know no fault at all, some a single one, very hard; most a mixture. A fault that is always
 * there hides what happens without it, and all together never let any of them come far.
 */
import { DEFAULT_LIMITS, type PartitionLimits } from "../../src/partition/limits.ts";
import type { FunctionBinding } from "../../src/partition/ports.ts";
import type { Rng } from "../support/rng.ts";
import type { Barriers } from "./barriers.ts";

export const FAULTS = [
  ...(["crash", "recoveryCrash", "commitFails", "diskFull", "diskSlow", "readFails"] as const),
  ...(["requestLost", "answerLost", "doubles", "hangs", "endpointDown", "clock"] as const),
  ...(["channelLate", "channelDoubles", "egressDown", "egressRepeats", "restart"] as const),
  ...(["bounce", "redeploy", "loss"] as const),
] as const;

export type Fault = (typeof FAULTS)[number];

/** 0: never; 1: as hard as it comes. */
export type Intensities = Readonly<Record<Fault, number>>;

export const NO_FAULTS: Intensities = Object.fromEntries(
  FAULTS.map((fault) => [fault, 0]),
) as Record<Fault, number>;

export interface Features {
  readonly ids: number;
  /** Ids with zero bytes, slashes, letters of many bytes, and long ones. */
  readonly strangeIds: boolean;
  /** How often an address is the hot one. */
  readonly hot: number;
  readonly maxDepth: number;
  readonly failures: boolean;
  readonly poison: boolean;
  readonly strays: boolean;
  readonly timers: boolean;
  readonly tokens: boolean;
  /** How often a step writes states that expire. */
  readonly expiry: number;
  readonly records: boolean;
  readonly keys: boolean;
  /** Payload bytes of some messages at most; 0: all are small. */
  readonly padBytes: number;
  /** Bytes of a state that some steps set. */
  readonly blobBytes: number;
  /** States are declared that earlier versions of the functions did not know. */
  readonly grows: boolean;
}

/** What people at night are like. */
export interface People {
  /** How often they purge mail that could be retried. */
  readonly purging: number;
  /** How often they send a dead letter elsewhere. */
  readonly correcting: number;
  /** Between two decisions at most. */
  readonly paceMs: number;
}

export interface Swarm {
  readonly people: People;
  /** Undefined: no snapshots are taken. */
  readonly barriers?: Barriers | undefined;
  readonly partitions: number;
  readonly ops: number;
  readonly sources: number;
  readonly features: Features;
  readonly faults: Intensities;
  readonly limits: PartitionLimits;
  readonly binding: Pick<FunctionBinding, "concurrency" | "maxBatchMessages"> & {
    readonly maxAttempts: number;
  };
  readonly slow: { readonly readMs: number; readonly commitMs: number; readonly networkMs: number };
}

export function drawSwarm(rng: Rng): Swarm {
  const drawn = drawAny(rng);
  const swarm = rng.chance(0.17) ? steer(drawn, rng.pick([0, 0, 1, 2, 3])) : drawn;
  const people = {
    ...{ purging: rng.pick([0, 0, 0.2, 0.6]), correcting: rng.pick([0, 0.2, 0.6]) },
    paceMs: rng.pick([40, 400, 400]),
  };
  return rng.chance(0.07) ? purgers({ ...swarm, people }) : { ...swarm, people };
}

/** Much is parked, most of it on disk alone, and people purge it while nodes end. */
function purgers(swarm: Swarm): Swarm {
  const { features, faults, limits, slow } = swarm;
  return {
    ...{ ...swarm, people: { purging: 0.7, correcting: 0.6, paceMs: 40 }, ops: 30 },
    features: { ...features, poison: true, hot: 0.7, ids: 3, maxDepth: 4, strays: true },
    faults: { ...faults, crash: 0.5, bounce: 0.7, redeploy: 0.3, loss: 0 },
    limits: {
      ...{
        ...limits,
        mailboxMessagesInMemory: 2,
        mailBytesInMemory: 0,
        parkedMessages: 20,
        commitLingerMs: 5,
      },
      ...{ parkedAddresses: 1_000, unfinishedMessages: 200_000 },
    },
    slow: { ...slow, readMs: 20 },
  };
}

/** Together these are rarer than they matter. */
function steer(swarm: Drawn, toward: number): Drawn {
  const { features, faults, limits, slow } = swarm;
  switch (toward) {
    case 0: // probes that find their epoch heavy, or their message not durable
      return {
        ...{ ...swarm, features: { ...features, ids: 20, maxDepth: 4, expiry: 0.7, hot: 0 } },
        ...{ partitions: 1, ops: 30, sources: 3 },
        faults: { ...faults, endpointDown: 0.7, answerLost: 1, requestLost: 1, diskFull: 0 },
        limits: { ...limits, epochBytes: 1, unfinishedMessages: 200_000 },
        slow: { ...slow, commitMs: 60 },
      };
    case 1: // a clock that jumps while something rests
      return {
        ...{ ...swarm, features: { ...features, failures: true } },
        faults: { ...faults, clock: 1, endpointDown: 1 },
      };
    case 2: // a node that ends in the middle of a suspicion
      return {
        ...{ ...swarm, features: { ...features, poison: true, hot: 0.8 } },
        faults: { ...faults, diskFull: 1, commitFails: 0.5, crash: 0.5 },
      };
    default: // disks that fail in every way
      return {
        ...swarm,
        faults: { ...faults, diskSlow: 1, readFails: 0.5, recoveryCrash: 0.5, crash: 0.3 },
        limits: { ...limits, stateCacheBytes: 0, mailboxMessagesInMemory: 1 },
      };
  }
}

type Drawn = Omit<Swarm, "people" | "barriers">;

function drawAny(rng: Rng): Drawn {
  const limits = drawLimits(rng);
  const on = (probability: number): boolean => rng.chance(probability);
  const ids = rng.pick([1, 2, 3, 5, 8, 13, 20]);
  const features: Features = {
    ids,
    strangeIds: on(0.2),
    hot: on(0.3) ? 0.5 + rng.random() * 0.5 : 0,
    maxDepth: 1 + rng.int(4),
    failures: on(0.5),
    poison: on(0.5),
    strays: on(0.4),
    timers: on(0.7),
    tokens: on(0.5),
    expiry: on(0.5) ? rng.pick([0.2, 0.6]) : 0,
    records: on(0.4),
    keys: on(0.6),
    padBytes: on(0.4) ? rng.pick([300, 2_000, 8_000]) : 0,
    blobBytes: on(0.3) ? rng.pick([100, limits.stateBytes - 6_000]) : 0,
    grows: on(0.3),
  };
  return {
    partitions: rng.pick([1, 1, 2, 2, 3, 4, 5, 8]),
    ops: 5 + rng.int(25),
    sources: rng.int(4),
    features,
    faults: drawFaults(rng),
    limits,
    binding: {
      concurrency: rng.pick([1, 2, 8]),
      maxBatchMessages: rng.pick([1, 3, 100]),
      maxAttempts: 3 + rng.int(3),
    },
    slow: {
      readMs: 0.2 + rng.random() * rng.pick([3, 3, 30]),
      commitMs: 0.2 + rng.random() * rng.pick([3, 10, 40]),
      networkMs: 0.2 + rng.random() * 20,
    },
  };
}

function drawFaults(rng: Rng): Intensities {
  const none = { ...NO_FAULTS };
  const common = FAULTS.filter((fault) => fault !== "loss");
  const kind = rng.int(10);
  if (kind === 0) return none;
  if (kind <= 3) {
    const fault = rng.chance(0.1) ? "loss" : rng.pick(common);
    return { ...none, [fault]: 0.7 + rng.random() * 0.3 };
  }
  const share = rng.pick([0.15, 0.3, 0.6]);
  for (const fault of common) {
    if (rng.chance(fault === "crash" ? 0.5 : share))
      none[fault] = rng.chance(0.2) ? rng.random() : rng.random() * 0.3;
  }
  return none;
}

/** Bounds small enough that every one of them is met. */
function drawLimits(rng: Rng): PartitionLimits {
  const limits = {
    ...DEFAULT_LIMITS,
    statesPerType: 8,
    stateBytes: rng.pick([8_000, 20_000]),
    retentionMs: rng.pick([500, 3_000, DEFAULT_LIMITS.retentionMs, DEFAULT_LIMITS.retentionMs]),
  };
  if (rng.chance(0.25)) return limits;
  return {
    ...limits,
    unfinishedMessages: rng.pick([1, 5 + rng.int(50), DEFAULT_LIMITS.unfinishedMessages]),
    unfinishedBytes: rng.pick([5_000, DEFAULT_LIMITS.unfinishedBytes]),
    mailBytesInMemory: rng.pick([0, 1_000, 5_000, 1_000_000]),
    mailboxMessagesInMemory: 1 + rng.int(5),
    surveyMessages: rng.pick([1, 3, DEFAULT_LIMITS.surveyMessages]),
    parkedMessages: rng.pick([1, 3, DEFAULT_LIMITS.parkedMessages]),
    batchBytes: rng.pick([1, 500 + rng.int(2_000), DEFAULT_LIMITS.batchBytes]),
    callBytes: rng.pick([1, 2_000, DEFAULT_LIMITS.callBytes]),
    stateCacheBytes: rng.pick([0, 1_000, 5_000, 1_000_000]),
    outboxBytesInMemory: rng.pick([1, 1_000, 10_000]),
    outboxBytes: rng.pick([1_000, 5_000, DEFAULT_LIMITS.outboxBytes]),
    parkedAddresses: rng.pick([1, 5, 20, DEFAULT_LIMITS.parkedAddresses]),
    timersInMemory: 1 + rng.int(5),
    timerBytesInMemory: rng.pick([1, 1_000, DEFAULT_LIMITS.timerBytesInMemory]),
    commitLingerMs: rng.int(20),
    epochBytes: rng.pick([1, 1_000, 5_000, 1_000_000]),
  };
}
