import { backoffMs } from "../base/backoff.ts";
import { type Deferred, deferred } from "../base/deferred.ts";
import { describeError } from "../base/errors.ts";
import { unlessAborted } from "../base/unless-aborted.ts";
import type { KafkaCluster } from "../kafka/contract.ts";
import type { Fetcher } from "../kafka/fetcher.ts";
import { partitionOfSource } from "../model/owner.ts";
import type { OnInvalid, Route } from "../spec/module.ts";
import type { SourceSink, SourceStatus } from "./contract.ts";
import type { KafkaBeginning } from "./kafka-beginning.ts";
import { KafkaTape, type KafkaTapeOptions } from "./kafka-tape.ts";
import { SOURCE_BACKOFF, Source, type SourceInput } from "./source.ts";
import type { Tape } from "./tape.ts";

export interface KafkaTopicOptions
  extends Pick<SourceInput, "report" | "sleep" | "random">,
    Pick<KafkaTapeOptions, "reset" | "batchBytes" | "batchRecords"> {
  /** Of the ingress. */
  readonly id: string;
  readonly route: Route;
  readonly onInvalid: OnInvalid;
  readonly cluster: KafkaCluster;
  readonly fetcher: Fetcher;
  readonly beginning: KafkaBeginning;
  readonly sink: SourceSink;
  /** New partitions are looked for so often. */
  readonly discoveryMs: number;
}

/** As with the topic log: two ingresses may read one topic, each in its own way. */
export function kafkaSourceName(ingressId: string, topic: string, topicPartition: number): string {
  return `kafka/${ingressId}/${topic}/${topicPartition}`;
}

/** What is read of one partition. */
export interface KafkaSource {
  readonly topic: string;
  readonly partition: number;
  readonly source: Source;
  readonly tape: KafkaTape;
}

/**
 * One topic of a Kafka ingress: waits for it, opens a source for each of its partitions, and for those that
 * come later.
 *
 * How many partitions there were at first is remembered as the position of a source of its own: the
 * startup position is for those, the others begin at their earliest record, after a restart as well.
 */
export class KafkaTopic {
  readonly #options: KafkaTopicOptions;
  readonly #begun: Deferred<void> = deferred();
  readonly #end = new AbortController();
  readonly #running = new Set<Promise<void>>();
  readonly sources: KafkaSource[] = [];
  /** Remembers how many partitions there were at first. */
  #first: Source | undefined;
  #firstCount: number | undefined;
  #failures = 0;
  #trouble: string | undefined;
  #isMissing = false;

  constructor(options: KafkaTopicOptions) {
    this.#options = options;
  }

  /** Resolves when every source knows where it begins, or has reported why not, or there are none yet. */
  get begun(): Promise<void> {
    return this.#begun.promise;
  }

  /** Of its sources; while there are none, of the topic as a whole. */
  statuses(): readonly SourceStatus[] {
    const found = this.sources.map(({ source }) => source.status);
    const trouble = this.#trouble;
    if (found.length > 0) {
      return found.map((one) => ({ ...one, waiting: one.waiting ?? trouble }));
    }
    const source = kafkaSourceName(this.#options.id, this.#options.route.topic, 0);
    const unknown = { next: undefined, lag: undefined, stopped: undefined };
    return [{ source, partition: this.#partitionOf(source), ...unknown, waiting: trouble }];
  }

  /** Ends with `stop`. Never rejects. */
  async run(): Promise<void> {
    const { signal } = this.#end;
    while (!signal.aborted) {
      let waitMs: number;
      try {
        waitMs = await this.#look();
      } catch (error) {
        if (signal.aborted) break;
        waitMs = this.#failed(error);
      }
      this.#begun.resolve();
      try {
        await this.#options.sleep(waitMs, signal);
      } catch {
        // Stopped meanwhile.
      }
    }
    this.#begun.resolve();
    this.#first?.stop();
    for (const { source } of this.sources) source.stop();
    await Promise.all(this.#running);
  }

  stop(): void {
    this.#end.abort(new Error("the ingress stops"));
    this.#first?.stop();
    for (const { source } of this.sources) source.stop();
  }

  rewind(partition: number): void {
    const sources = [this.#first, ...this.sources.map(({ source }) => source)];
    for (const source of sources) if (source?.status.partition === partition) source.rewind();
  }

  /** Opens what is new; returns how long to wait until the next look. */
  async #look(): Promise<number> {
    const { cluster, route, discoveryMs, random } = this.#options;
    const { signal } = this.#end;
    const leaders = await unlessAborted(cluster.leaders(route.topic), signal);
    const count = leaders?.length ?? 0;
    const firstCount = this.#firstCount ?? (await this.#countFirst(count, signal));
    if (leaders === undefined) {
      this.#reportMissing();
      this.#failures++;
      return Math.min(discoveryMs, backoffMs(this.#failures, SOURCE_BACKOFF, random));
    }
    this.#failures = 0;
    this.#trouble = undefined;
    this.#isMissing = false;
    const opened: Promise<void>[] = [];
    for (let k = this.sources.length; k < count; k++) opened.push(this.#open(k, k >= firstCount));
    // New partitions do not keep it from stopping.
    await unlessAborted(Promise.all(opened), signal);
    return discoveryMs;
  }

  async #countFirst(count: number, signal: AbortSignal): Promise<number> {
    const { id, route, sink } = this.#options;
    // The ids of sources end with a topic and a number, and no topic's name has a slash.
    const name = `kafka/${id}/${route.topic}/partitions/0`;
    const stored = await unlessAborted(sink.position(name, this.#partitionOf(name)), signal);
    this.#firstCount = stored ?? count;
    this.#first = this.#source(name, standing(this.#firstCount));
    return this.#firstCount;
  }

  #open(partition: number, isNew: boolean): Promise<void> {
    const { id, route, cluster, fetcher, beginning } = this.#options;
    const { reset, batchBytes, batchRecords, report } = this.#options;
    const { topic } = route;
    const name = kafkaSourceName(id, topic, partition);
    const tape = new KafkaTape({
      ...{ source: name, at: { topic, partition }, cluster, fetcher },
      ...{ reset, batchBytes, batchRecords, report },
      // Asked of those alone that have no position yet.
      begin: () => {
        if (isNew) report("info", "A partition of a Kafka topic is new.", { source: name });
        return beginning.of({ topic, partition }, isNew);
      },
    });
    const source = this.#source(name, tape);
    this.sources.push({ topic, partition, source, tape });
    return source.begun;
  }

  #source(name: string, tape: Tape): Source {
    const { route, onInvalid, sink, report, sleep, random } = this.#options;
    const source = new Source({
      ...{ source: name, tape, route, onInvalid, sink, report, sleep, random },
      partition: this.#partitionOf(name),
    });
    const running = source.run().finally(() => this.#running.delete(running));
    this.#running.add(running);
    return source;
  }

  #partitionOf(source: string): number {
    return partitionOfSource(source, this.#options.sink.partitionCount);
  }

  #reportMissing(): void {
    const { id, route, report } = this.#options;
    this.#trouble = `the topic ${route.topic} does not exist`;
    if (this.#isMissing) return;
    this.#isMissing = true;
    const message = "A Kafka topic does not exist; it is waited for.";
    report("warn", message, { ingress: id, topic: route.topic });
  }

  #failed(error: unknown): number {
    const { id, route, report, random } = this.#options;
    this.#failures++;
    this.#trouble = describeError(error);
    const waitMs = backoffMs(this.#failures, SOURCE_BACKOFF, random);
    report("warn", "The partitions of a Kafka topic cannot be looked up; it is tried again.", {
      ...{ ingress: id, topic: route.topic, reason: this.#trouble, waitMs },
    });
    return waitMs;
  }
}

/** A tape without records, which stands where it begins. */
function standing(at: number): Tape {
  return {
    begin: async () => at,
    read: (_position, signal) =>
      new Promise((_, reject) => {
        signal.addEventListener("abort", () => reject(signal.reason), { once: true });
      }),
    end: at,
    close() {},
  };
}
