import type { NewKafkaRecord, TopicPartition } from "../../../src/kafka/contract.ts";
import {
  FakeBroker,
  type FakeBrokerOptions,
  type PlaceTrouble,
  type Trouble,
} from "../../kafka/fake/broker.ts";
import type { Rng } from "../../support/rng.ts";
import type { Faults } from "../faults.ts";
import type { Stage } from "../stage.ts";
import type { KafkaFault, KafkaSwarm } from "./swarm.ts";

/** What passes by itself, as those say it who coordinate transactions and groups. */
const COORDINATOR = [
  ...["NOT_COORDINATOR", "COORDINATOR_NOT_AVAILABLE", "COORDINATOR_LOAD_IN_PROGRESS"],
] as const;
const LEADER = ["NOT_LEADER_OR_FOLLOWER", "LEADER_NOT_AVAILABLE"] as const;
/** Not what passes by itself. */
const OTHER = ["REQUEST_TIMED_OUT", "UNKNOWN_SERVER_ERROR"] as const;

const OF_LEADERS: ReadonlySet<string> = new Set(["leaders", "offset", "produce", "fetch"]);

/** A batch that was not written, one that was, and a leader that does not know yet what it has. */
const UNWRITTEN = ["NOT_LEADER_OR_FOLLOWER", "NOT_ENOUGH_REPLICAS", "KAFKA_STORAGE_ERROR"] as const;
const WRITTEN = ["REQUEST_TIMED_OUT", "NOT_ENOUGH_REPLICAS_AFTER_APPEND"] as const;
const UNREAD = ["OFFSET_OUT_OF_RANGE", "OFFSET_NOT_AVAILABLE", "UNKNOWN_LEADER_EPOCH"] as const;

export interface BrokersOptions {
  readonly world: Stage;
  readonly rng: Rng;
  readonly faults: Faults<KafkaFault>;
  readonly swarm: KafkaSwarm;
  readonly onChange: () => void;
  /** Somebody has an answer, perhaps. */
  readonly stir: () => void;
}

/** So long a request may take that is carried out when all have given it up. */
const LATE_MS = 3_000;

/** The brokers of a simulated Kafka, and what goes wrong with them, on simulated time. */
export class Brokers {
  readonly broker: FakeBroker;
  readonly #options: BrokersOptions;
  /** Partitions whose leader is not who it was at first; −1: nobody leads. */
  readonly #leaders = new Map<string, number>();

  constructor(options: BrokersOptions) {
    this.#options = options;
    const { world, rng, swarm, onChange, stir } = options;
    const { schedule } = world;
    const parts: FakeBrokerOptions = {
      nowMs: () => schedule.nowMs,
      later: (waitMs, then) =>
        schedule.after(waitMs, () => {
          stir();
          then();
        }),
      requestMs: () => this.#wayMs(),
      answerMs: () => this.#wayMs(),
      endMs: () => Math.ceil(rng.random() * swarm.endMs),
      trouble: (request, node) => this.#trouble(request, node),
      placeTrouble: (request) => this.#placeTrouble(request),
      leaderOf: (of) => this.#leaderOf(of),
      onChange,
    };
    this.broker = new FakeBroker(parts);
    // Until what comes late has come: a record that was refused must not be taken by a request of before.
    let refusesUntilMs = Number.POSITIVE_INFINITY;
    this.broker.refuses = (record) => {
      if (!isRefused(record)) return false;
      if (world.isDraining) refusesUntilMs = Math.min(refusesUntilMs, schedule.nowMs + LATE_MS);
      return schedule.nowMs < refusesUntilMs;
    };
    this.broker.refusal = swarm.refusal;
  }

  #wayMs(): number {
    const { world, rng, faults, swarm } = this.#options;
    const isSlow = faults.isDuring("kafkaSlow", "", world.schedule.nowMs);
    if (isSlow) faults.count("kafkaSlow");
    return rng.random() * (isSlow ? 600 : swarm.wayMs);
  }

  #trouble(request: string, node: number | undefined): Trouble | undefined {
    const { world, rng, faults } = this.#options;
    const name = node === undefined ? "coordinator" : `node ${node}`;
    if (faults.isDuring("kafkaDown", name, world.schedule.nowMs)) {
      faults.count("kafkaDown");
      return { kind: "lost" };
    }
    if (faults.strikes("kafkaMoves", 0.05)) this.#move();
    if (faults.strikes("kafkaForgets", 0.02)) {
      const isWritten = rng.chance(0.5);
      this.broker.restart(
        () => rng.chance(0.8),
        () => isWritten,
      );
    }
    if (faults.strikes("kafkaLost", 0.1)) return { kind: "lost" };
    if (faults.strikes("kafkaAnswerLost", 0.1)) return { kind: "answerLost" };
    if (faults.strikes("kafkaLate", 0.1)) return { kind: "late", waitMs: rng.random() * LATE_MS };
    if (!faults.strikes("kafkaError", 0.15)) return undefined;
    const passing = OF_LEADERS.has(request) ? LEADER : COORDINATOR;
    return { kind: "error", code: rng.chance(0.8) ? rng.pick(passing) : rng.pick(OTHER) };
  }

  #placeTrouble(request: "produce" | "fetch"): PlaceTrouble | undefined {
    const { rng, faults } = this.#options;
    if (!faults.strikes("kafkaPlace", 0.1)) return undefined;
    if (request === "fetch") return { code: rng.pick(UNREAD), isAppended: false };
    const isAppended = rng.chance(0.5);
    return { code: rng.pick(isAppended ? WRITTEN : UNWRITTEN), isAppended };
  }

  #leaderOf({ topic, partition }: TopicPartition): number {
    return this.#leaders.get(`${topic}/${partition}`) ?? partition % this.#options.swarm.nodes;
  }

  /** A partition loses its leader, and has another one a while later. */
  #move(): void {
    const { world, rng, swarm } = this.#options;
    const topic = rng.pick([...this.broker.topics.keys()]);
    const partition = rng.int(this.broker.topics.get(topic)?.length ?? 1);
    const name = `${topic}/${partition}`;
    if (this.#leaders.get(name) === -1) return;
    this.#leaders.set(name, -1);
    this.broker.changed();
    world.schedule.after(rng.random() * 300, () => {
      this.#leaders.set(name, rng.int(swarm.nodes));
      this.broker.changed();
    });
  }
}

const isRefused = ({ value }: NewKafkaRecord): boolean =>
  value !== undefined && Buffer.from(value).includes('"fate":"refused"');
