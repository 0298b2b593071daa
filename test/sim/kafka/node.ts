/**
 * The node's side of Kafka, in one life of its process: the real ingress and the real egresses, with real
 * publishers and source queues between them and the partitions. The counterpart of src/node/start.ts and
 * src/node/partition-host.ts.
 */
import assert from "node:assert/strict";
import { StatefoldError } from "../../../src/base/errors.ts";
import type { Report } from "../../../src/base/report.ts";
import type { Egress } from "../../../src/egress/contract.ts";
import { KafkaEgress } from "../../../src/egress/kafka.ts";
import type { Intents } from "../../../src/egress/kafka-intent.ts";
import type { SourceSink } from "../../../src/ingress/contract.ts";
import { KafkaIngress } from "../../../src/ingress/kafka.ts";
import type { KafkaCluster } from "../../../src/kafka/contract.ts";
import type { SourceBatch } from "../../../src/model/source.ts";
import { Publisher } from "../../../src/node/publisher.ts";
import { SourceQueue } from "../../../src/node/source-queue.ts";
import type { Release } from "../../../src/partition/ports.ts";
import type { Route } from "../../../src/spec/module.ts";
import { egressDestination } from "../../../src/store/keys.ts";
import { createLogger } from "../../../src/telemetry/logger.ts";
import type { Rng } from "../../support/rng.ts";
import type { Host } from "../host.ts";
import type { Stage } from "../stage.ts";
import { INGRESS } from "./feed.ts";
import { outgoing } from "./outlet.ts";
import { Process } from "./process.ts";
import type { KafkaSwarm } from "./swarm.ts";

type Publish = Extract<Release, { readonly kind: "publish" }>;

export interface KafkaNodeOptions {
  readonly world: Stage;
  readonly swarm: KafkaSwarm;
  readonly rng: Rng;
  /** Counts the processes. */
  readonly life: number;
  readonly connect: () => KafkaCluster;
  readonly intents: Intents;
  readonly acceptLoss: boolean;
  readonly routes: readonly Route[];
  /** Those on Kafka, and how exactly they publish. */
  readonly egresses: ReadonlyMap<string, "exactly-once" | "at-least-once">;
  readonly seen: (request: string, answer: unknown, error: unknown) => void;
  readonly report: Report;
  /** It is about to publish. */
  readonly onPublish: (egress: string, partition: number, first: number) => void;
  /** Whether another process has published in its place. */
  readonly isShutOut: (node: KafkaNode, egress: string, partition: number) => boolean;
  /** It was shut out, and has published. */
  readonly onIntrusion: (egress: string, partition: number) => void;
  readonly onRefused: (reason: string) => void;
  /** Something in it may go on. */
  readonly stir: () => void;
  /** A call to an egress failed; with a code when it was one of ours. */
  readonly onFailure: (node: KafkaNode, error: unknown) => void;
  /** Somebody else publishes in its place. */
  readonly onFenced: (node: KafkaNode) => void;
}

const logger = createLogger({ level: "silent" });

const down = (): StatefoldError => new StatefoldError("UNAVAILABLE", "the partition is down");

/** A host's part of it, in one life of the host. */
interface Place {
  readonly generation: number;
  readonly publishers: Map<string, Publisher>;
  readonly queue: SourceQueue;
}

export class KafkaNode implements SourceSink {
  readonly process: Process;
  readonly life: number;
  readonly partitionCount: number;
  /** Another process may have published in its place. */
  hasRivals = false;
  readonly #options: KafkaNodeOptions;
  readonly #egresses: ReadonlyMap<string, { readonly own: KafkaEgress; readonly seen: Egress }>;
  readonly #ingress: KafkaIngress;
  readonly #places = new Map<Host, Place>();
  /** Egresses and partitions that it has published for. */
  readonly #owned = new Set<string>();

  constructor(options: KafkaNodeOptions) {
    this.#options = options;
    this.life = options.life;
    this.partitionCount = options.world.hosts.length;
    this.process = new Process(options.world.schedule, options.stir);
    this.#ingress = this.#newIngress();
    this.#egresses = new Map(
      [...options.egresses].map(([id, delivery]) => {
        const own = this.#newEgress(id, delivery);
        return [id, { own, seen: this.#watched(own) }];
      }),
    );
  }

  start(): void {
    this.#options.stir();
    void this.#ingress.start(this);
  }

  /** What a signal does: it ends by itself, some time later. */
  async stop(): Promise<void> {
    this.#options.stir();
    await this.#ingress.stop();
    for (const { publishers } of this.#places.values()) {
      for (const publisher of publishers.values()) void publisher.stop();
    }
    await Promise.all([...this.#egresses.values()].map(({ own }) => own.stop()));
    this.process.kill();
  }

  /** Rarely, as time does it. */
  refresh(): void {
    for (const { own } of this.#egresses.values()) void own.refresh();
  }

  has(egress: string): boolean {
    return this.#egresses.has(egress);
  }

  owns(egress: string, partition: number): boolean {
    return this.#owned.has(`${egress} ${partition}`);
  }

  opened(host: Host): void {
    this.#options.stir();
    const { generation, partition } = host;
    assert(partition !== undefined);
    this.#places.set(host, { generation, publishers: new Map(), queue: new SourceQueue() });
    for (const [id, { own }] of this.#egresses) {
      own.open(host.index, partition.outboxes.nextOf(egressDestination(id)));
    }
    this.#ingress.rewind(host.index);
  }

  /** It has lost its memory, the process going on. */
  closed(host: Host): void {
    const place = this.#places.get(host);
    this.#places.delete(host);
    this.#options.stir();
    place?.queue.rejectAll(down());
    for (const publisher of place?.publishers.values() ?? []) void publisher.stop();
  }

  turned(host: Host): void {
    const place = this.#placeOf(host);
    if (place === undefined || place.queue.size === 0) return;
    this.#options.stir();
    place.queue.offerTo(this.#taker(host));
  }

  publish(host: Host, { egress: id, first, records }: Publish): void {
    const place = this.#placeOf(host);
    const egress = this.#egresses.get(id)?.seen;
    if (place === undefined || egress === undefined) return;
    let publisher = place.publishers.get(id);
    if (publisher === undefined) {
      const { swarm, rng, onFenced } = this.#options;
      publisher = new Publisher({
        ...{ egress, partition: host.index, logger, publishMs: swarm.publishMs },
        acknowledge: (input) => {
          if (this.#placeOf(host) === place) host.offer(input);
        },
        onFenced: () => onFenced(this),
        onPublished: () => {},
        ...{ sleep: this.process.sleep, random: rng.random },
      });
      place.publishers.set(id, publisher);
    }
    this.#options.stir();
    publisher.add(first, records);
  }

  async position(source: string, partition: number): Promise<number | undefined> {
    return this.#running(partition).partition?.positions.next(source);
  }

  async durable(source: string, partition: number): Promise<number | undefined> {
    return this.#options.world.hosts[partition]?.partition?.positions.durable(source);
  }

  async take(partition: number, batch: SourceBatch): Promise<void> {
    const host = this.#running(partition);
    await this.#placeOf(host)?.queue.add(batch, this.#taker(host));
  }

  #running(partition: number): Host {
    const host = this.#options.world.hosts[partition];
    if (host === undefined || this.#placeOf(host) === undefined) throw down();
    return host;
  }

  /** Undefined: the host is down, or is another process's. */
  #placeOf(host: Host): Place | undefined {
    const place = this.#places.get(host);
    return place?.generation === host.generation ? place : undefined;
  }

  #taker(host: Host) {
    const { paths } = this.#options.world.faults;
    return {
      hasRoomFor: (types: ReadonlySet<string>): boolean => {
        const { partition } = host;
        if (partition === undefined) return false;
        const hasRoom = !partition.isFull && [...types].every((type) => partition.hasRoomFor(type));
        paths.hitIf(!hasRoom, "kafkaHeldBack");
        return hasRoom;
      },
      offer: (batch: SourceBatch): void => {
        host.offer({ kind: "source", ...batch });
      },
    };
  }

  #connect(): KafkaCluster {
    return this.process.connect(this.#options.connect(), this.#options.seen);
  }

  #newIngress(): KafkaIngress {
    const { swarm, routes, report, rng } = this.#options;
    return new KafkaIngress({
      settings: {
        ...{ id: INGRESS, address: "fake:9092", consumerGroupId: "sim", onInvalid: "deadLetter" },
        topics: routes,
        autoOffsetResetPosition: swarm.reset,
        startupPosition: { type: swarm.startup },
        properties: new Map([
          ["metadata.max.age.ms", "2000"],
          ["fetch.max.wait.ms", "10000"],
          ["fetch.max.bytes", "8192"],
          ["max.partition.fetch.bytes", "2048"],
        ]),
      },
      ...{ batchRecords: swarm.batchRecords, maxHeldBytes: 8_192, report, random: rng.random },
      sleep: this.process.sleepUnlessAborted,
      connect: () => this.#connect(),
    });
  }

  #newEgress(id: string, type: "exactly-once" | "at-least-once"): KafkaEgress {
    const { world, swarm, rng, acceptLoss, report } = this.#options;
    const { transactionTimeoutMs, batchBytes } = swarm;
    return new KafkaEgress({
      ...{ id, application: "sim", acceptLoss, report },
      delivery: type === "exactly-once" ? { type, transactionTimeoutMs } : { type },
      settings: {
        ...{ compression: "none", maxRecordBytes: 1_000_000, batchBytes },
        metadataMaxAgeMs: 1_000,
      },
      owner: { data: "data", process: `life${this.life}` },
      connect: () => this.#connect(),
      intents: this.process.keep(this.#options.intents),
      ...{ nowMs: () => world.clock.now(), sleep: this.process.sleep, random: rng.random },
    });
  }

  /** The same egress, seen from outside, for records as the simulation has them. */
  #watched(own: KafkaEgress): Egress {
    const { onPublish, isShutOut, onIntrusion, onRefused, onFailure } = this.#options;
    const { id } = own;
    return {
      id,
      start: () => own.start(),
      open: (partition, next) => own.open(partition, next),
      check: (value) => own.check(value),
      stop: () => own.stop(),
      publish: async (partition, first, records, signal) => {
        onPublish(id, partition, first);
        const isOut = this.owns(id, partition) && isShutOut(this, id, partition);
        const sent = records.map((record, i) =>
          outgoing(record, { egress: id, partition, number: first + i, life: this.life }),
        );
        try {
          const published = await own.publish(partition, first, sent, signal);
          // What it had committed before it hears of it is no intrusion.
          const isBack = isOut && !isShutOut(this, id, partition);
          if (isBack && own.transactions !== undefined) onIntrusion(id, partition);
          this.#owned.add(`${id} ${partition}`);
          for (const { reason } of published.refused) onRefused(reason);
          return published;
        } catch (error) {
          onFailure(this, error);
          throw error;
        }
      },
    };
  }
}
