/** The topic log as the gateway asks for it. */
import { setMaxListeners } from "node:events";
import { StatefoldError } from "../base/errors.ts";
import type {
  FollowRange,
  From,
  NewRecord,
  ReadRange,
  RecordPlace,
  TopicInfo,
  TopicRecord,
  Topics,
} from "../gateway/ports.ts";
import type { LogPartition } from "../log/partition.ts";
import type { LogRecord } from "../log/record.ts";
import type { Topic } from "../log/topic.ts";
import type { TopicLog } from "../log/topic-log.ts";

/** What a follower reads at once from one partition. */
const FOLLOW_LIMITS = { maxRecords: 500, maxBytes: 1024 * 1024 };

/** Appended at once: a request may hold hundreds of thousands, and others do not wait for them all (I6). */
const WRITE_RECORDS = 5_000;

export class NodeTopics implements Topics {
  readonly #log: TopicLog;
  readonly #held: () => string | undefined;

  /** @param held why the node takes nothing in; undefined while it does */
  constructor(log: TopicLog, held: () => string | undefined = () => undefined) {
    this.#log = log;
    this.#held = held;
  }

  async list(): Promise<TopicInfo[]> {
    return await Promise.all(
      this.#log.list().map(async (topic) => ({
        name: topic.name,
        partitions: await Promise.all(
          (await partitionsOf(topic)).map(async (log) => ({
            partition: log.partition,
            beginOffset: log.startOffset,
            endOffset: log.endOffset,
            bytes: log.bytes,
          })),
        ),
      })),
    );
  }

  async write(name: string, records: readonly NewRecord[]): Promise<readonly RecordPlace[]> {
    const held = this.#held();
    if (held !== undefined) throw new StatefoldError("OVERLOADED", held);
    const topic = await this.#log.topic(name);
    for (const { partition } of records) {
      if (partition !== undefined) checkPartition(topic, partition);
    }
    const places: RecordPlace[] = [];
    for (let at = 0; at < records.length; at += WRITE_RECORDS) {
      places.push(...(await topic.append(records.slice(at, at + WRITE_RECORDS))));
    }
    return places;
  }

  async read(name: string, range: ReadRange): Promise<readonly TopicRecord[]> {
    const log = await partitionOf(this.#find(name), range.partition);
    const { maxRecords, maxBytes } = range;
    const { records } = await readFrom(log, offsetOf(log, range.from), { maxRecords, maxBytes });
    return records.map((record) => ({ ...record, partition: range.partition }));
  }

  async follow(
    name: string,
    from: FollowRange,
    signal: AbortSignal,
  ): Promise<AsyncIterable<TopicRecord>> {
    const topic = this.#find(name);
    const logs =
      from.partition === undefined
        ? await partitionsOf(topic)
        : [await partitionOf(topic, from.partition)];
    const cursors = logs.map((log) => ({ log, next: offsetOf(log, from.from) }));
    return followAll(cursors, signal);
  }

  #find(name: string): Topic {
    const topic = this.#log.find(name);
    if (topic !== undefined) return topic;
    throw new StatefoldError("TOPIC_UNKNOWN", `there is no topic ${JSON.stringify(name)}`);
  }
}

interface Cursor {
  readonly log: LogPartition;
  next: number;
}

/** Whatever comes, a run of each partition in turn. */
async function* followAll(
  cursors: readonly Cursor[],
  signal: AbortSignal,
): AsyncGenerator<TopicRecord> {
  while (!signal.aborted) {
    let isIdle = true;
    for (const cursor of cursors) {
      const { records, next } = await readFrom(cursor.log, cursor.next, FOLLOW_LIMITS);
      cursor.next = next;
      for (const record of records) {
        isIdle = false;
        yield { ...record, partition: cursor.log.partition };
        if (signal.aborted) return;
      }
    }
    if (isIdle) await somethingNew(cursors, signal);
  }
}

/** Resolves when a partition has more, or the signal aborts. */
async function somethingNew(cursors: readonly Cursor[], signal: AbortSignal): Promise<void> {
  const round = new AbortController();
  setMaxListeners(0, round.signal); // one for each partition
  const end = () => round.abort();
  signal.addEventListener("abort", end, { once: true });
  try {
    await Promise.race(cursors.map(({ log, next }) => log.follow(next, round.signal)));
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    signal.removeEventListener("abort", end);
    end();
  }
}

async function readFrom(
  log: LogPartition,
  offset: number,
  limits: { maxRecords: number; maxBytes: number },
): Promise<{ records: readonly LogRecord[]; next: number }> {
  const read = await log.read(offset, limits);
  if (read.kind === "records") return read;
  if (read.kind === "belowStart") return await readFrom(log, read.startOffset, limits);
  return { records: [], next: offset };
}

function offsetOf(log: LogPartition, from: From): number {
  if (from === "earliest") return log.startOffset;
  return from === "latest" ? log.endOffset : from;
}

async function partitionOf(topic: Topic, partition: number): Promise<LogPartition> {
  checkPartition(topic, partition);
  return await topic.partition(partition);
}

function checkPartition(topic: Topic, partition: number): void {
  if (partition < topic.partitionCount) return;
  const last = topic.partitionCount - 1;
  throw new StatefoldError(
    "REQUEST_INVALID",
    `topic ${topic.name} has the partitions 0 to ${last}`,
  );
}

async function partitionsOf(topic: Topic): Promise<LogPartition[]> {
  const all = Array.from({ length: topic.partitionCount }, (_, k) => topic.partition(k));
  return await Promise.all(all);
}
