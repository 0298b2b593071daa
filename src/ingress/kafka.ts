/**
 * An ingress that reads topics of a Kafka cluster. Partition k of a topic is read by partition k mod P of the
 * runtime; its position is stored with the effects (I3), so what was read is taken exactly once, and only
 * committed records are.
 */
import type { Random } from "../base/backoff.ts";
import { type Report, silent } from "../base/report.ts";
import { BrokerCluster } from "../kafka/cluster.ts";
import type { KafkaCluster } from "../kafka/contract.ts";
import { Fetcher } from "../kafka/fetcher.ts";
import { type ConsumerSettings, consumerSettings, parseBootstrap } from "../kafka/properties.ts";
import type { KafkaIngress as KafkaIngressSpec } from "../spec/module.ts";
import type { Ingress, SourceSink, SourceStatus } from "./contract.ts";
import { KafkaBeginning } from "./kafka-beginning.ts";
import { KafkaGroup } from "./kafka-group.ts";
import { type KafkaSource, KafkaTopic } from "./kafka-topic.ts";
import { type Sleep, systemSleep } from "./source.ts";

/** Its part of the module. A topic named twice: the last one counts. */
export type KafkaIngressSettings = Omit<KafkaIngressSpec, "kind" | "place">;

export interface KafkaIngressOptions {
  readonly settings: KafkaIngressSettings;
  /** As which it is known to the brokers, unless `client.id` says. Default "statefold". */
  readonly clientId?: string;
  /** A batch ends with the record that reaches it; two are held per source. Default 1 MiB, unpacked. */
  readonly batchBytes?: number;
  /** Default 1000. */
  readonly batchRecords?: number;
  /** Fetched, unpacked and not handed over, of all partitions: see {@link Fetcher}. Default 64 MiB. */
  readonly maxHeldBytes?: number;
  /** How often the group's offsets are committed. Default 5 s. */
  readonly commitEveryMs?: number;
  /** They are committed at all. Default true. */
  readonly commitsOffsets?: boolean;
  /** Told of each fetch that brought records. */
  readonly onFetched?: (elapsedMs: number) => void;
  readonly report?: Report;
  /** How it waits before it tries again. */
  readonly sleep?: Sleep;
  readonly random?: Random;
  /** A way to the brokers other than over the network. */
  readonly connect?: (settings: ConsumerSettings) => KafkaCluster;
}

/** A broker that has little is asked so often at most: so much later a record is taken, and the more go together. */
const GATHER_MS = 10;

interface Running {
  readonly cluster: KafkaCluster;
  readonly fetcher: Fetcher;
  readonly topics: readonly KafkaTopic[];
  readonly group: KafkaGroup;
  readonly ended: Promise<unknown>;
  /** Questions that are still being asked end with it. */
  readonly end: AbortController;
}

export class KafkaIngress implements Ingress {
  readonly #options: KafkaIngressOptions;
  #running: Running | undefined;
  #stopping: Promise<void> | undefined;

  constructor(options: KafkaIngressOptions) {
    this.#options = options;
  }

  get id(): string {
    return this.#options.settings.id;
  }

  /** @throws StatefoldError CONFIG_INVALID for an address or a property that is wrong */
  async start(sink: SourceSink): Promise<void> {
    if (this.#stopping !== undefined) return;
    const { settings, clientId = "statefold", report = silent } = this.#options;
    const { settings: consumer, warnings } = consumerSettings(settings.properties, clientId);
    for (const warning of warnings) report("warn", `${settings.id}: ${warning}`);
    this.#running = this.#run(sink, consumer);
    await Promise.all(this.#running.topics.map((topic) => topic.begun));
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  rewind(partition: number): void {
    for (const topic of this.#running?.topics ?? []) topic.rewind(partition);
  }

  sources(): readonly SourceStatus[] {
    return (this.#running?.topics ?? []).flatMap((topic) => topic.statuses());
  }

  #run(sink: SourceSink, consumer: ConsumerSettings): Running {
    const { settings, connect = overNetwork(settings.address), onFetched } = this.#options;
    const { report = silent, sleep = systemSleep, random = Math.random } = this.#options;
    const { batchBytes = 1024 * 1024, batchRecords = 1000 } = this.#options;
    const { maxHeldBytes = 64 * 1024 * 1024, commitEveryMs = 5000 } = this.#options;
    const { commitsOffsets = true } = this.#options;
    const { id, onInvalid, autoOffsetResetPosition: reset } = settings;
    const { consumerGroupId, startupPosition: startup } = settings;
    const cluster = connect(consumer);
    const { maxWaitMs, minBytes, maxBytes, maxPartitionBytes, discoveryMs } = consumer;
    const limits = { maxWaitMs, minBytes, maxBytes, maxPartitionBytes, maxHeldBytes };
    const told = onFetched === undefined ? {} : { onFetched };
    const end = new AbortController();
    const gather = (): Promise<void> => sleep(GATHER_MS, end.signal).catch(() => {});
    const fetcher = new Fetcher({ cluster, ...limits, gather, ...told });
    const beginning = new KafkaBeginning({
      ...{ cluster, startup, reset, sleep, random },
      ...{ group: consumerGroupId, signal: end.signal },
    });
    const routes = new Map(settings.topics.map((route) => [route.topic, route]));
    const topics = [...routes.values()].map(
      (route) =>
        new KafkaTopic({
          ...{ id, route, onInvalid, cluster, fetcher, beginning, sink, discoveryMs },
          ...{ reset, batchBytes, batchRecords, report, sleep, random },
        }),
    );
    const sources = (): KafkaSource[] => topics.flatMap((topic) => topic.sources);
    const group = new KafkaGroup({
      ...{ id, group: consumerGroupId, cluster, sink, report, sleep },
      sources: commitsOffsets ? sources : () => [],
      everyMs: commitEveryMs,
    });
    const ended = Promise.all([...topics.map((topic) => topic.run()), group.run()]);
    return { cluster, fetcher, topics, group, ended, end };
  }

  async #stop(): Promise<void> {
    if (this.#running === undefined) return;
    const { cluster, fetcher, topics, group, ended, end } = this.#running;
    end.abort(new Error("the ingress stops"));
    for (const topic of topics) topic.stop();
    group.stop();
    await ended;
    await group.finish();
    fetcher.stop();
    await cluster.close();
  }
}

function overNetwork(address: string): (settings: ConsumerSettings) => KafkaCluster {
  const bootstrap = parseBootstrap(address);
  return (settings) => new BrokerCluster({ ...settings, bootstrap });
}
