import { backoffMs, type Random } from "../base/backoff.ts";
import { type Deferred, deferred } from "../base/deferred.ts";
import { describeError, StatefoldError } from "../base/errors.ts";
import type { Report } from "../base/report.ts";
import { unlessAborted } from "../base/unless-aborted.ts";
import type { LogPartition } from "../log/partition.ts";
import type { Topic } from "../log/topic.ts";
import type { SourceBatch } from "../model/source.ts";
import type { OnInvalid, Route } from "../spec/module.ts";
import type { SourceSink, SourceStatus } from "./contract.ts";
import { routeRecords } from "./route.ts";

export interface LogSourceInput {
  readonly source: string;
  readonly topic: Topic;
  /** Of the topic. */
  readonly topicPartition: number;
  readonly route: Route;
  readonly onInvalid: OnInvalid;
  /** Where to begin a source that was never read. */
  readonly startup: "earliest" | "latest";
  readonly sink: SourceSink;
  /** The partition that reads it. */
  readonly partition: number;
  readonly batchBytes: number;
  readonly batchRecords: number;
  readonly report: Report;
  readonly sleep: Sleep;
  readonly random: Random;
}

/** Resolves after so long; rejects as soon as the signal is aborted. */
export type Sleep = (waitMs: number, signal: AbortSignal) => Promise<void>;

/** A batch that was read, and why it is the last one, if it is. */
interface ReadBatch {
  readonly batch: SourceBatch;
  readonly stop: StatefoldError | undefined;
}

const BACKOFF = { initialMs: 50, maxMs: 5000 };

/**
 * Reads one partition of a topic into one partition of the runtime: a loop that asks for the stored
 * position, then hands over batch after batch. The next batch is read while the sink takes one, so at most
 * two are held.
 *
 * Whatever fails for the moment is tried again from the stored position; what cannot get better by itself
 * (damage, an offset that never was, an invalid record with `onInvalid: stop`) ends this source, loudly.
 */
export class LogSource {
  readonly #input: LogSourceInput;
  readonly #begun: Deferred<void> = deferred();
  #partition: LogPartition | undefined;
  /** Aborted when the source stops or rewinds: ends one pass of the loop. */
  #pass = new AbortController();
  #stopping = false;
  #stopped: StatefoldError | undefined;
  #next: number | undefined;
  /** Where it began without a stored position: the same again, if that was not committed. */
  #startedAt: number | undefined;
  #failures = 0;

  constructor(input: LogSourceInput) {
    this.#input = input;
  }

  /** Resolves when it knows where it begins, or has failed to find out once. */
  get begun(): Promise<void> {
    return this.#begun.promise;
  }

  get status(): SourceStatus {
    const { source, partition } = this.#input;
    const end = this.#partition?.endOffset;
    const next = this.#next;
    const lag = end === undefined || next === undefined ? undefined : Math.max(0, end - next);
    return { source, partition, next, lag, stopped: this.#stopped };
  }

  /** Ends with `stop`, or when the source cannot go on. Never rejects. */
  async run(): Promise<void> {
    while (!this.#stopping) {
      this.#pass.abort(); // what the last pass was still reading ahead
      this.#pass = new AbortController();
      const { signal } = this.#pass;
      try {
        this.#stopped = await this.#readOn(signal);
      } catch (error) {
        if (signal.aborted) continue;
        if (isLasting(error)) this.#stopped = error;
        else await this.#waitAfter(error, signal);
      }
      this.#begun.resolve();
      if (this.#stopped === undefined) continue;
      const { source } = this.#input;
      this.#input.report("error", "A source has stopped.", {
        source,
        code: this.#stopped.code,
        reason: describeError(this.#stopped),
      });
      break;
    }
    this.#begun.resolve();
  }

  rewind(): void {
    this.#pass.abort();
  }

  stop(): void {
    this.#stopping = true;
    this.#pass.abort();
  }

  /** One pass: from the stored position on, until it is aborted, fails, or comes to its last batch. */
  async #readOn(signal: AbortSignal): Promise<StatefoldError> {
    const { sink, partition, topic, topicPartition } = this.#input;
    this.#partition = await topic.partition(topicPartition);
    const from = await this.#begin(this.#partition, signal);
    let ahead = this.#read(this.#partition, from, signal);
    for (;;) {
      const { batch, stop } = await ahead;
      if (stop === undefined) {
        ahead = this.#read(this.#partition, batch.next, signal);
        ahead.catch(() => {}); // it is awaited in the next round, if there is one
      }
      // Read before a rewind, it could be taken for the beginning of a source whose position was lost.
      signal.throwIfAborted();
      await unlessAborted(sink.take(partition, batch), signal);
      this.#next = batch.next;
      this.#failures = 0;
      if (stop !== undefined) return stop;
    }
  }

  async #begin(log: LogPartition, signal: AbortSignal): Promise<number> {
    const { sink, source, partition, startup } = this.#input;
    const stored = await unlessAborted(sink.position(source, partition), signal);
    if (stored === undefined) {
      this.#startedAt ??= startup === "earliest" ? log.startOffset : log.endOffset;
      this.#next = this.#startedAt;
      this.#begun.resolve();
      // The first position becomes durable, so that the next start goes on from it.
      const batch = { source, first: this.#next, next: this.#next, records: [] };
      await unlessAborted(sink.take(partition, batch), signal);
      return this.#next;
    }
    this.#next = stored;
    this.#begun.resolve();
    return stored;
  }

  async #read(log: LogPartition, position: number, signal: AbortSignal): Promise<ReadBatch> {
    const { source, batchBytes, batchRecords, route, onInvalid } = this.#input;
    for (;;) {
      const limits = { maxRecords: batchRecords, maxBytes: batchBytes };
      const result = await log.read(position, limits);
      signal.throwIfAborted();
      if (result.kind === "beyondEnd") {
        const message = `${source}: the stored position ${position} is behind the topic's end ${result.endOffset}: the topic was replaced or has lost records; restore it from a snapshot`;
        throw new StatefoldError("LOG_CORRUPT", message);
      }
      if (result.kind === "belowStart") {
        this.#reportLost(position, result.startOffset);
        const batch = { source, first: position, next: result.startOffset, records: [] };
        return { batch, stop: undefined };
      }
      if (result.records.length > 0) {
        const incoming = result.records.map((record) => ({ ...record, position: record.offset }));
        const routed = routeRecords(route, onInvalid, source, incoming, result.next);
        const { records, next, stop } = routed;
        if (onInvalid === "skip") this.#reportSkipped(records);
        return { batch: { source, first: position, next, records }, stop };
      }
      await log.follow(position, signal);
    }
  }

  #reportLost(position: number, startOffset: number): void {
    this.#input.report("error", "Retention removed records before they were read.", {
      source: this.#input.source,
      from: position,
      upTo: startOffset - 1,
      records: startOffset - position,
    });
  }

  #reportSkipped(records: SourceBatch["records"]): void {
    const skipped = records.filter((record) => record.messages.length === 0);
    const first = skipped[0];
    if (first === undefined) return;
    this.#input.report("warn", "Records that cannot be routed were skipped.", {
      source: this.#input.source,
      first: first.position,
      records: skipped.length,
    });
  }

  async #waitAfter(error: unknown, signal: AbortSignal): Promise<void> {
    this.#failures++;
    const waitMs = backoffMs(this.#failures, BACKOFF, this.#input.random);
    this.#begun.resolve();
    this.#input.report("warn", "A source could not go on and tries again.", {
      source: this.#input.source,
      reason: describeError(error),
      waitMs,
    });
    try {
      await this.#input.sleep(waitMs, signal);
    } catch {
      // Stopped or rewound meanwhile.
    }
  }
}

function isLasting(error: unknown): error is StatefoldError {
  if (!(error instanceof StatefoldError)) return false;
  return error.code === "LOG_CORRUPT" || error.code === "STORE_FORMAT";
}
