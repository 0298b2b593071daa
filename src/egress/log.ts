import { utf8 } from "../base/bytes.ts";
import { describeError, StatefoldError } from "../base/errors.ts";
import { type Report, silent } from "../base/report.ts";
import { unlessAborted } from "../base/unless-aborted.ts";
import type { LogPartition } from "../log/partition.ts";
import { type NewRecord, recordBytes } from "../log/record.ts";
import type { TopicLog } from "../log/topic-log.ts";
import { isTopicName } from "../log/topic-name.ts";
import type { TypedValue } from "../model/typed-value.ts";
import type { Egress, EgressRecord, Published, RefusedRecord } from "./contract.ts";
import { decodeProducerRecord, type ProducerRecord } from "./producer-record.ts";

export interface LogEgressOptions {
  readonly id: string;
  readonly log: TopicLog;
  readonly report?: Report;
}

/** Records for one partition of a topic. */
interface Part {
  readonly partition: LogPartition;
  readonly records: NewRecord[];
  readonly numbers: number[];
}

/** The producer's id in the topic log, of what a partition publishes over an egress. */
export function logProducerId(egressId: string, partition: number): string {
  return `${egressId}/${partition}`;
}

/**
 * An egress to the topic log. Takes what the Kafka egress takes, so that a module is the same with both.
 * Exactly once: each record goes to the log under its outbox number, and the log skips numbers it has seen.
 * For that a record must meet the same topic partition whenever it is sent: by its key, or without key by
 * its number. Numbers must grow over everything that ever happens to a partition (a loss that was accepted
 * makes them jump): one that was seen before is skipped.
 */
export class LogEgress implements Egress {
  readonly id: string;
  readonly #log: TopicLog;
  readonly #report: Report;
  #stopped = false;
  readonly #publishing = new Set<Promise<unknown>>();

  constructor(options: LogEgressOptions) {
    this.id = options.id;
    this.#log = options.log;
    this.#report = options.report ?? silent;
    if (Buffer.byteLength(this.id) > 200) {
      const message = `egress ${this.id.slice(0, 80)}…: its id has more than 200 bytes`;
      throw new StatefoldError("CONFIG_INVALID", message);
    }
  }

  async start(): Promise<void> {}

  /** The log knows the numbers by itself, and nobody else can write to it. */
  open(): void {}

  check(value: TypedValue): string | undefined {
    return whyNotInLog(value, this.#log.maxRecordBytes);
  }

  async publish(
    partition: number,
    first: number,
    records: readonly EgressRecord[],
    signal?: AbortSignal,
    barrier = 0,
  ): Promise<Published> {
    signal?.throwIfAborted();
    if (this.#stopped) {
      throw new StatefoldError("UNAVAILABLE", `egress ${this.id} has been stopped`);
    }
    // I7: what a partition sends after its cut is not in the log's.
    this.#log.cutFor(barrier);
    const publishing = this.#publish(partition, first, records);
    this.#publishing.add(publishing);
    const end = () => this.#publishing.delete(publishing);
    publishing.then(end, end);
    // An append that goes on all the same does no harm: what comes again is queued behind it, and skipped.
    return await (signal === undefined ? publishing : unlessAborted(publishing, signal));
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.allSettled(this.#publishing);
  }

  async #publish(
    partition: number,
    first: number,
    records: readonly EgressRecord[],
  ): Promise<Published> {
    const refused: RefusedRecord[] = [];
    const parts = new Map<string, Part>();
    for (const [i, record] of records.entries()) {
      const number = first + i;
      const reason = await this.#add(parts, record, number);
      if (reason !== undefined) refused.push({ number, reason });
    }
    const id = logProducerId(this.id, partition);
    const appends = [...parts.values()].map((part) => append(part, id));
    // All of them end before it is tried again: a partition's numbers must come in order.
    const failed = (await Promise.allSettled(appends)).find((end) => end.status === "rejected");
    if (failed !== undefined) throw failed.reason;
    return { refused, barrier: this.#log.barrier };
  }

  /** Puts a record to those of its topic partition; or the reason why it cannot be published at all. */
  async #add(
    parts: Map<string, Part>,
    record: EgressRecord,
    number: number,
  ): Promise<string | undefined> {
    const decoded = decodeProducerRecord(record.value);
    if (typeof decoded === "string") return decoded;
    const reason = whyRefused(decoded, this.#log.maxRecordBytes);
    if (reason !== undefined) return reason;
    const topic = this.#log.find(decoded.topic) ?? (await this.#make(decoded.topic));
    if (typeof topic === "string") return topic;
    const target = topic.partitionFor(decoded.key, number);
    const name = `${topic.name}/${target}`;
    const part: Part = parts.get(name) ?? {
      partition: await topic.partition(target),
      records: [],
      numbers: [],
    };
    parts.set(name, part);
    part.records.push(newRecord(decoded, record.traceparent));
    part.numbers.push(number);
    return undefined;
  }

  /** The topic; or the reason why it will not be made. */
  async #make(name: string) {
    try {
      return await this.#log.topic(name);
    } catch (error) {
      if (!(error instanceof StatefoldError) || error.code !== "OVERLOADED") throw error;
      const reason = describeError(error);
      this.#report("warn", "A record was refused.", { egress: this.id, reason });
      return reason;
    }
  }
}

/**
 * Undefined when a topic log can take the value, else why not.
 *
 * @param maxRecordBytes of the log
 */
export function whyNotInLog(value: TypedValue, maxRecordBytes: number): string | undefined {
  const decoded = decodeProducerRecord(value);
  return typeof decoded === "string" ? decoded : whyRefused(decoded, maxRecordBytes);
}

function whyRefused(record: ProducerRecord, maxRecordBytes: number): string | undefined {
  if (!isTopicName(record.topic)) {
    return `${JSON.stringify(record.topic.slice(0, 300))} is no topic name: 1 to 249 of a-z, A-Z, 0-9, '.', '_' and '-'`;
  }
  // The trace context may come on top.
  const bytes = recordBytes(newRecord(record, undefined)) + 256;
  return bytes > maxRecordBytes
    ? `the record has ${bytes} bytes with its headers, over the topic log's limit of ${maxRecordBytes}`
    : undefined;
}

async function append(part: Part, producerId: string): Promise<void> {
  if (part.partition.failure !== undefined) await part.partition.reopen();
  await part.partition.append(part.records, { id: producerId, numbers: part.numbers });
}

function newRecord(record: ProducerRecord, traceparent: string | undefined): NewRecord {
  const headers = [...record.headers];
  if (traceparent !== undefined && !headers.some((header) => header.key === "traceparent")) {
    headers.push({ key: "traceparent", value: utf8(traceparent) });
  }
  return { key: record.key, value: record.value, headers, timestampMs: undefined };
}
