import { describeError } from "../base/errors.ts";
import type { Report } from "../base/report.ts";
import { unlessAborted } from "../base/unless-aborted.ts";
import type { KafkaCluster, KafkaRecord, TopicPartition } from "../kafka/contract.ts";
import { KafkaError } from "../kafka/error.ts";
import { bytesOf, type FetchedRun, type Fetcher, type Tap } from "../kafka/fetcher.ts";
import type { IncomingRecord } from "./route.ts";
import type { Tape, TapeRun } from "./tape.ts";

export interface KafkaTapeOptions {
  /** For messages to people. */
  readonly source: string;
  readonly at: TopicPartition;
  readonly cluster: KafkaCluster;
  readonly fetcher: Fetcher;
  /** Where to begin one that was never read. */
  readonly begin: () => Promise<number>;
  /** Where to go on from a position that is not there. */
  readonly reset: "earliest" | "latest";
  readonly batchBytes: number;
  readonly batchRecords: number;
  readonly report: Report;
}

/** A run, or what is left of one. */
type Part = Pick<FetchedRun, "first" | "next" | "records" | "bytes">;

/** The committed records of one partition of a Kafka topic. */
export class KafkaTape implements Tape {
  readonly #options: KafkaTapeOptions;
  readonly #tap: Tap;
  /** What was fetched and is yet to be handed over. */
  #rest: Part | undefined;
  /** Where something could not be read: it may have been damaged on its way only. */
  #doubted: number | undefined;

  constructor(options: KafkaTapeOptions) {
    this.#options = options;
    this.#tap = options.fetcher.open(options.at);
  }

  get end(): number | undefined {
    return this.#tap.end;
  }

  /**
   * While nothing is fetched, because nobody takes what was, no answer says where the end is.
   *
   * @throws KafkaError and others, when it cannot be asked
   */
  async lookForEnd(): Promise<void> {
    if (this.#tap.isWaiting) return;
    this.#tap.end = await this.#options.cluster.offset(this.#options.at, "latest");
  }

  async begin(signal: AbortSignal): Promise<number> {
    return await unlessAborted(this.#options.begin(), signal);
  }

  async read(position: number, signal: AbortSignal, alive: () => void): Promise<TapeRun> {
    if (this.#rest?.first === position) return this.#cut(this.#rest);
    this.#keep(undefined);
    this.#tap.onAnswer = alive;
    const run = await this.#fetched(position, signal);
    return run.damage !== undefined ? this.#damaged(run) : this.#cut(run);
  }

  close(): void {
    this.#keep(undefined);
    this.#tap.close();
  }

  async #fetched(position: number, signal: AbortSignal): Promise<FetchedRun> {
    try {
      return await this.#tap.next(position, signal);
    } catch (error) {
      const isOutOfRange = error instanceof KafkaError && error.code === "OFFSET_OUT_OF_RANGE";
      if (!isOutOfRange) throw error;
      const next = await unlessAborted(this.#outOfRange(position, error), signal);
      return { first: position, next, records: [], bytes: 0, damage: undefined };
    }
  }

  /** As many records of a run as a batch may have. */
  #cut(run: Part): TapeRun {
    const { batchBytes, batchRecords } = this.#options;
    const { next, records } = run;
    let bytes = 0;
    let count = 0;
    for (const record of records) {
      if (count >= batchRecords || bytes >= batchBytes) break;
      count++;
      bytes += bytesOf(record);
    }
    const head = records.slice(0, count);
    const tail = records.slice(count);
    const cutAt = tail[0]?.offset ?? next;
    const rest = { first: cutAt, next, records: tail, bytes: run.bytes - bytes };
    this.#keep(tail.length === 0 ? undefined : rest);
    return { records: head.map(incoming), next: cutAt };
  }

  /** It counts with what is held of the partition. */
  #keep(rest: Part | undefined): void {
    this.#rest = rest;
    this.#tap.keptBytes = rest?.bytes ?? 0;
  }

  /** What stands there counts as one record, whose value are the bytes of it all. */
  #damaged({ first, next, damage }: FetchedRun): TapeRun {
    const { source } = this.#options;
    const where = `${source}: the records at ${first} to ${next - 1} cannot be read`;
    const reason = `${where}: ${damage?.reason ?? ""}`;
    if (this.#doubted !== first) {
      this.#doubted = first;
      throw new Error(reason);
    }
    this.#options.report("error", "Records of a Kafka topic are damaged.", { source, reason });
    const record = { position: first, key: undefined, value: damage?.bytes, headers: [] };
    return { records: [{ ...record, damage: reason }], next };
  }

  /** Retention went past the position, or the topic is another one, or has lost its end. */
  async #outOfRange(position: number, error: KafkaError): Promise<number> {
    const { cluster, at, reset, source, report } = this.#options;
    const earliest = await cluster.offset(at, "earliest");
    const latest = await cluster.offset(at, "latest");
    // A leader that was just elected may not know yet what it has.
    if (position >= earliest && position <= latest) throw error;
    const next = reset === "earliest" ? earliest : latest;
    const why =
      position < earliest
        ? "retention removed records before they were read"
        : "the topic was made anew, or has lost its end";
    report("error", "The position in a Kafka topic is not there any more.", {
      ...{ source, position, earliest, latest, goesOnAt: next, autoOffsetResetPosition: reset },
      reason: `${why} (${describeError(error)})`,
      unread: Math.max(0, Math.min(next, latest) - position),
    });
    return next;
  }
}

function incoming({ offset, timestampMs, key, value, headers }: KafkaRecord): IncomingRecord {
  return { position: offset, timestampMs, key, value, headers };
}
