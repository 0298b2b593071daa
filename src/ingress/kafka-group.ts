import { describeError } from "../base/errors.ts";
import type { Report } from "../base/report.ts";
import { unlessAborted } from "../base/unless-aborted.ts";
import type { KafkaCluster } from "../kafka/contract.ts";
import type { SourceSink } from "./contract.ts";
import type { KafkaSource } from "./kafka-topic.ts";
import type { Sleep } from "./source.ts";

export interface KafkaGroupOptions {
  /** Of the ingress. */
  readonly id: string;
  readonly group: string;
  readonly cluster: KafkaCluster;
  readonly sink: SourceSink;
  readonly sources: () => readonly KafkaSource[];
  readonly everyMs: number;
  readonly report: Report;
  readonly sleep: Sleep;
}

/** For the last word at a stop. */
const LAST_WORD_MS = 1000;
/** What was taken last is durable a moment later. */
const LAST_COMMIT_MS = 50;

/**
 * Tells the brokers how far the ingress is, as the offsets of its consumer group: what watches lag in
 * Kafka watches it so, and an application that moves away finds where to go on. Only what is durable is
 * told. Nothing here depends on it: positions are stored with the effects (I3).
 *
 * On the way it looks for the ends of partitions that are not fetched at the moment.
 */
export class KafkaGroup {
  readonly #options: KafkaGroupOptions;
  readonly #end = new AbortController();
  readonly #told = new Map<KafkaSource, number>();
  #lastTrouble: string | undefined;

  constructor(options: KafkaGroupOptions) {
    this.#options = options;
  }

  /** Ends with `stop`. Never rejects. */
  async run(): Promise<void> {
    const { everyMs, sleep } = this.#options;
    const { signal } = this.#end;
    while (!signal.aborted) {
      try {
        await sleep(everyMs, signal);
        await unlessAborted(this.#tell(), signal);
        this.#lastTrouble = undefined;
      } catch (error) {
        if (!signal.aborted) this.#failed(error);
      }
    }
  }

  stop(): void {
    this.#end.abort(new Error("the ingress stops"));
  }

  /** After everything was read that will be. Never rejects; takes a second at most. */
  async finish(): Promise<void> {
    const { sources, sleep } = this.#options;
    if (sources().length === 0) return;
    const limit = new AbortController();
    const ended = new AbortController();
    sleep(LAST_WORD_MS, ended.signal).then(
      () => limit.abort(new Error(`the brokers have not answered within ${LAST_WORD_MS} ms`)),
      () => {}, // ended in time
    );
    try {
      await sleep(LAST_COMMIT_MS, limit.signal);
      await unlessAborted(this.#commit(), limit.signal);
    } catch (error) {
      this.#failed(error);
    } finally {
      ended.abort();
    }
  }

  async #tell(): Promise<void> {
    await this.#commit();
    for (const { tape } of this.#options.sources()) await tape.lookForEnd();
  }

  async #commit(): Promise<void> {
    const { cluster, group, sink } = this.#options;
    const offsets: { readonly one: KafkaSource; readonly offset: number }[] = [];
    const found = this.#options.sources().map(async (one) => {
      const { source, partition } = one.source.status;
      return { one, offset: await sink.durable(source, partition) };
    });
    for (const { one, offset } of await Promise.all(found)) {
      if (offset !== undefined && offset !== this.#told.get(one)) offsets.push({ one, offset });
    }
    if (offsets.length === 0) return;
    await cluster.commitGroup(
      group,
      offsets.map(({ one: { topic, partition }, offset }) => {
        return { topic, partition, offset, note: "" };
      }),
    );
    for (const { one, offset } of offsets) this.#told.set(one, offset);
  }

  #failed(error: unknown): void {
    const { id, group, report } = this.#options;
    const reason = describeError(error);
    if (reason === this.#lastTrouble) return;
    this.#lastTrouble = reason;
    report("warn", "How far a Kafka ingress is could not be told, or compared with the end.", {
      ...{ ingress: id, group, reason },
    });
  }
}
