/** What of Kafka a seed has, if it has any, and how its brokers misbehave. */
import type { Rng } from "../../support/rng.ts";

export const KAFKA_FAULTS = [
  ...(["kafkaLost", "kafkaAnswerLost", "kafkaLate", "kafkaError", "kafkaPlace"] as const),
  ...(["kafkaDown", "kafkaMoves", "kafkaSlow", "kafkaRetention", "kafkaExpiry"] as const),
  ...(["kafkaZombie"] as const),
] as const;

export type KafkaFault = (typeof KAFKA_FAULTS)[number];

export interface KafkaSwarm {
  readonly faults: Readonly<Record<KafkaFault, number>>;
  /** Brokers that lead partitions. */
  readonly nodes: number;
  /** Topics that are read. */
  readonly topics: number;
  /** Partitions of each topic at first. */
  readonly partitions: number;
  /** Writes to each partition. */
  readonly writes: number;
  /** A partition more on the way. */
  readonly grows: boolean;
  readonly reset: "earliest" | "latest";
  readonly startup: "earliest" | "group-offsets";
  /** A request's way, there and back, at most. */
  readonly wayMs: number;
  /** How long transactions take to end at most; 0: they have ended when it is answered. */
  readonly endMs: number;
  readonly transactionTimeoutMs: number;
  /** A call to the egress is given up after so long. */
  readonly publishMs: number;
  /** Of a batch that is written. */
  readonly batchBytes: number;
  /** Of a run that is handed over. */
  readonly batchRecords: number;
  readonly side: "exactly-once" | "at-least-once";
  /** What brokers say of records that they do not take. */
  readonly refusal: "MESSAGE_TOO_LARGE" | "INVALID_RECORD";
}

/** A quarter of all seeds. Drawn apart, so that the others stay as they are. */
export function drawKafka(rng: Rng): KafkaSwarm | undefined {
  if (!rng.chance(0.25)) return undefined;
  const drawn = drawAny(rng);
  return rng.chance(0.5) ? steer(drawn, rng.int(4)) : drawn;
}

/** Alone these are rarer than they matter. */
function steer(swarm: KafkaSwarm, toward: number): KafkaSwarm {
  const { faults } = swarm;
  switch (toward) {
    case 0: // processes that wake up when others are there
      return { ...swarm, faults: { ...faults, kafkaZombie: 1 } };
    case 1: // idle for a week
      return { ...swarm, faults: { ...faults, kafkaExpiry: 1, kafkaZombie: 0 } };
    case 2: // topics that are shorter than the way to them
      return { ...swarm, faults: { ...faults, kafkaRetention: 1, kafkaDown: 0.5 }, writes: 6 };
    default: // answers that only the sequence or the marker can replace
      return {
        ...{ ...swarm, side: "at-least-once", transactionTimeoutMs: 2_000 },
        faults: { ...faults, kafkaAnswerLost: 0.7, kafkaPlace: 0.5, kafkaZombie: 0.3 },
      };
  }
}

function drawAny(rng: Rng): KafkaSwarm {
  const reset = rng.pick(["earliest", "earliest", "latest"] as const);
  return {
    faults: drawFaults(rng),
    nodes: 1 + rng.int(3),
    topics: 1 + rng.int(2),
    partitions: 1 + rng.int(2),
    writes: 2 + rng.int(5),
    grows: rng.chance(0.3),
    reset,
    // A group without offsets begins where the reset says.
    startup: reset === "latest" ? "earliest" : rng.pick(["earliest", "group-offsets"]),
    wayMs: rng.pick([0.5, 3, 15]),
    endMs: rng.pick([0, 3, 15, 200]),
    transactionTimeoutMs: rng.pick([400, 2_000, 60_000]),
    publishMs: rng.pick([500, 5_000, 120_000]),
    batchBytes: rng.pick([200, 1_000, 100_000]),
    batchRecords: rng.pick([1, 2, 1_000]),
    side: rng.pick(["exactly-once", "at-least-once"]),
    refusal: rng.pick(["MESSAGE_TOO_LARGE", "INVALID_RECORD"]),
  };
}

/** One in five knows none, as many a single one, very hard. */
function drawFaults(rng: Rng): KafkaSwarm["faults"] {
  const faults = Object.fromEntries(KAFKA_FAULTS.map((fault) => [fault, 0])) as Record<
    KafkaFault,
    number
  >;
  const kind = rng.int(5);
  if (kind === 1) faults[rng.pick(KAFKA_FAULTS)] = 0.7 + rng.random() * 0.3;
  if (kind <= 1) return faults;
  const share = rng.pick([0.3, 0.6]);
  for (const fault of KAFKA_FAULTS) {
    if (rng.chance(share)) faults[fault] = rng.chance(0.3) ? rng.random() : rng.random() * 0.3;
  }
  return faults;
}
