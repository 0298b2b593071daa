import { setTimeout } from "node:timers/promises";
import { backoffMs, type Random } from "../base/backoff.ts";
import { type Deferred, deferred } from "../base/deferred.ts";
import { describeError, StatefoldError } from "../base/errors.ts";
import type { Report } from "../base/report.ts";
import { unlessAborted } from "../base/unless-aborted.ts";
import type { SourceBatch } from "../model/source.ts";
import type { OnInvalid, Route } from "../spec/module.ts";
import type { SourceSink, SourceStatus } from "./contract.ts";
import { routeRecords } from "./route.ts";
import type { Tape } from "./tape.ts";

export interface SourceInput {
  readonly source: string;
  readonly tape: Tape;
  readonly route: Route;
  readonly onInvalid: OnInvalid;
  readonly sink: SourceSink;
  /** The partition that reads it. */
  readonly partition: number;
  readonly report: Report;
  readonly sleep: Sleep;
  readonly random: Random;
}

/** Resolves after so long; rejects as soon as the signal is aborted. */
export type Sleep = (waitMs: number, signal: AbortSignal) => Promise<void>;

export const systemSleep: Sleep = (waitMs, signal) => setTimeout(waitMs, undefined, { signal });

/** A batch that was read, and why it is the last one, if it is. */
interface ReadBatch {
  readonly batch: SourceBatch;
  readonly stop: StatefoldError | undefined;
}

export const SOURCE_BACKOFF = { initialMs: 50, maxMs: 5000 };

/**
 * Reads a tape into one partition of the runtime: a loop that asks for the stored position, then hands over
 * batch after batch. The next batch is read while the sink takes one, so at most two are held.
 *
 * Whatever fails for the moment is tried again from the stored position; what cannot get better by itself
 * (damage, an offset that never was, an invalid record with `onInvalid: stop`) ends this source, loudly.
 */
export class Source {
  readonly #input: SourceInput;
  readonly #begun: Deferred<void> = deferred();
  /** Aborted when the source stops or rewinds: ends one pass of the loop. */
  #pass = new AbortController();
  #stopping = false;
  #stopped: StatefoldError | undefined;
  #waiting: string | undefined;
  #next: number | undefined;
  /** Where it began without a stored position: the same again, if that was not committed. */
  #startedAt: number | undefined;
  #failures = 0;

  constructor(input: SourceInput) {
    this.#input = input;
  }

  /** Resolves when it knows where it begins, or has failed to find out once. */
  get begun(): Promise<void> {
    return this.#begun.promise;
  }

  get status(): SourceStatus {
    const { source, partition, tape } = this.#input;
    const { end } = tape;
    const next = this.#next;
    const lag = end === undefined || next === undefined ? undefined : Math.max(0, end - next);
    return { source, partition, next, lag, waiting: this.#waiting, stopped: this.#stopped };
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
    this.#input.tape.close();
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
    const { sink, partition } = this.#input;
    const from = await this.#begin(signal);
    let ahead = this.#read(from, signal);
    for (;;) {
      const { batch, stop } = await ahead;
      if (stop === undefined) {
        ahead = this.#read(batch.next, signal);
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

  async #begin(signal: AbortSignal): Promise<number> {
    const { sink, source, partition, tape } = this.#input;
    const stored = await unlessAborted(sink.position(source, partition), signal);
    if (stored === undefined) {
      this.#startedAt ??= await tape.begin(signal);
      this.#next = this.#startedAt;
      this.#begun.resolve();
      // The first position becomes durable, so that the next start goes on from it.
      const { barrier } = tape;
      const batch = { source, first: this.#next, next: this.#next, records: [], barrier };
      await unlessAborted(sink.take(partition, batch), signal);
      return this.#next;
    }
    this.#next = stored;
    this.#begun.resolve();
    return stored;
  }

  async #read(position: number, signal: AbortSignal): Promise<ReadBatch> {
    const { source, route, onInvalid, tape } = this.#input;
    const run = await tape.read(position, signal, () => {
      this.#waiting = undefined;
    });
    signal.throwIfAborted();
    const routed = routeRecords(route, onInvalid, source, run.records, run.next);
    const { records, next, stop } = routed;
    if (onInvalid === "skip") this.#reportSkipped(records);
    // I7: looked at after the read. Whatever was in it is in the cut of this number, or came after it.
    const { barrier } = tape;
    const batch = { source, first: position, next, records, barrier };
    return { batch: next < position ? { ...batch, goesBack: true } : batch, stop };
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
    const waitMs = backoffMs(this.#failures, SOURCE_BACKOFF, this.#input.random);
    this.#begun.resolve();
    this.#waiting = describeError(error);
    this.#input.report("warn", "A source could not go on and tries again.", {
      source: this.#input.source,
      reason: this.#waiting,
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
