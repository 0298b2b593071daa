import { StatefoldError } from "../base/errors.ts";
import type { Report } from "../base/report.ts";
import type { LogPartition } from "../log/partition.ts";
import type { Topic } from "../log/topic.ts";
import type { Tape, TapeRun } from "./tape.ts";

export interface LogTapeOptions {
  /** For messages to people. */
  readonly source: string;
  readonly topic: Topic;
  /** Of the topic. */
  readonly partition: number;
  /** Where to begin. */
  readonly startup: "earliest" | "latest";
  readonly batchBytes: number;
  readonly batchRecords: number;
  /** Of the topic log: the number of its last cut. */
  readonly barrier: () => number;
  readonly report: Report;
}

/** One partition of a topic of the topic log. */
export class LogTape implements Tape {
  readonly #options: LogTapeOptions;
  #log: LogPartition | undefined;

  constructor(options: LogTapeOptions) {
    this.#options = options;
  }

  get end(): number | undefined {
    return this.#log?.endOffset;
  }

  get barrier(): number {
    return this.#options.barrier();
  }

  async begin(): Promise<number> {
    const log = await this.#open();
    return this.#options.startup === "earliest" ? log.startOffset : log.endOffset;
  }

  async read(position: number, signal: AbortSignal, alive: () => void): Promise<TapeRun> {
    const { source, batchBytes, batchRecords } = this.#options;
    const log = await this.#open();
    for (;;) {
      const result = await log.read(position, { maxRecords: batchRecords, maxBytes: batchBytes });
      signal.throwIfAborted();
      if (result.kind === "beyondEnd") {
        const message = `${source}: the stored position ${position} is behind the topic's end ${result.endOffset}: the topic was replaced or has lost records; restore it from a snapshot`;
        throw new StatefoldError("LOG_CORRUPT", message);
      }
      alive();
      if (result.kind === "belowStart") {
        this.#reportLost(position, result.startOffset);
        return { records: [], next: result.startOffset };
      }
      const { records, next } = result;
      if (records.length > 0) {
        return { records: records.map((one) => ({ ...one, position: one.offset })), next };
      }
      await log.follow(position, signal);
    }
  }

  close(): void {}

  /** It may have been closed and opened again. */
  async #open(): Promise<LogPartition> {
    this.#log = await this.#options.topic.partition(this.#options.partition);
    return this.#log;
  }

  #reportLost(position: number, startOffset: number): void {
    this.#options.report("error", "Retention removed records before they were read.", {
      source: this.#options.source,
      from: position,
      upTo: startOffset - 1,
      records: startOffset - position,
    });
  }
}
