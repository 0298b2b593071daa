import type { Random } from "../base/backoff.ts";
import { type Report, silent } from "../base/report.ts";
import type { TopicLog } from "../log/topic-log.ts";
import { partitionOfSource } from "../model/owner.ts";
import type { LogIngress as LogIngressSpec } from "../spec/module.ts";
import type { Ingress, SourceSink, SourceStatus } from "./contract.ts";
import { LogTape } from "./log-tape.ts";
import { type Sleep, Source, systemSleep } from "./source.ts";

/** Its part of the module. A topic named twice: the last one counts. */
export type LogIngressSettings = Omit<LogIngressSpec, "kind" | "place">;

export interface LogIngressOptions {
  readonly settings: LogIngressSettings;
  readonly log: TopicLog;
  /** A batch ends with the record that reaches it; two are held per source. Default 1 MiB. */
  readonly batchBytes?: number;
  /** Default 1000. */
  readonly batchRecords?: number;
  readonly report?: Report;
  /** How it waits before it tries again. */
  readonly sleep?: Sleep;
  readonly random?: Random;
}

/**
 * The name of a source on the topic log. The ingress is part of it, since two of them may read one topic,
 * each in its own way.
 */
export function logSourceName(ingressId: string, topic: string, topicPartition: number): string {
  return `log/${ingressId}/${topic}/${topicPartition}`;
}

/** An ingress that reads topics of the topic log. Topics that do not exist yet are made. */
export class LogIngress implements Ingress {
  readonly #options: LogIngressOptions;
  #sources: readonly Source[] = [];
  #running: Promise<unknown> = Promise.resolve();
  #stopped = false;

  constructor(options: LogIngressOptions) {
    this.#options = options;
  }

  get id(): string {
    return this.#options.settings.id;
  }

  async start(sink: SourceSink): Promise<void> {
    const { settings, log, batchBytes, batchRecords, report, sleep, random } = this.#options;
    const routes = new Map(settings.topics.map((route) => [route.topic, route]));
    const sources: Source[] = [];
    for (const route of routes.values()) {
      const topic = await log.topic(route.topic);
      for (let k = 0; k < topic.partitionCount; k++) {
        const source = logSourceName(settings.id, topic.name, k);
        const tape = new LogTape({
          ...{ source, topic, partition: k, startup: settings.startupPosition.type },
          batchBytes: batchBytes ?? 1024 * 1024,
          batchRecords: batchRecords ?? 1000,
          barrier: () => log.barrier,
          report: report ?? silent,
        });
        sources.push(
          new Source({
            ...{ source, tape, route, onInvalid: settings.onInvalid, sink },
            partition: partitionOfSource(source, sink.partitionCount),
            report: report ?? silent,
            sleep: sleep ?? systemSleep,
            random: random ?? Math.random,
          }),
        );
      }
    }
    if (this.#stopped) return;
    this.#sources = sources;
    this.#running = Promise.all(sources.map((source) => source.run()));
    await Promise.all(sources.map((source) => source.begun));
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    for (const source of this.#sources) source.stop();
    await this.#running;
  }

  rewind(partition: number): void {
    for (const source of this.#sources) {
      if (source.status.partition === partition) source.rewind();
    }
  }

  sources(): readonly SourceStatus[] {
    return this.#sources.map((source) => source.status);
  }
}
