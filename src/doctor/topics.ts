/**
 * Examines the topic log: opened and recovered by the code that a start runs, over a file system that
 * keeps changes to itself, then read to its end. So what a start would refuse is refused here, and damage
 * in the middle, which a start has not looked at yet, is found.
 */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { assert } from "../base/assert.ts";
import { StatefoldError } from "../base/errors.ts";
import type { Report } from "../base/report.ts";
import { overlayFiles } from "../log/overlay-files.ts";
import type { LogPartition } from "../log/partition.ts";
import { segmentBases } from "../log/segment.ts";
import type { Topic } from "../log/topic.ts";
import { TopicLog } from "../log/topic-log.ts";
import { topicFolder } from "../log/topic-name.ts";
import { type Finding, type Findings, findingOf } from "./finding.ts";

export interface ExaminedTopic {
  readonly name: string;
  readonly partitions: readonly ExaminedTopicPartition[];
}

export interface ExaminedTopicPartition {
  readonly partition: number;
  /** Undefined: it cannot be opened. */
  readonly beginOffset: number | undefined;
  readonly endOffset: number | undefined;
  /** Records that could be read. */
  readonly records: number;
  readonly bytes: number;
  /** Of the first record that could be read. */
  readonly oldestMs: number | undefined;
  /** Producer → the highest number it has appended. */
  readonly marks: ReadonlyMap<string, number>;
}

const LIMITS = { maxRecords: 10_000, maxBytes: 4 * 1024 * 1024 };

/** @param producers whose marks are asked for */
export async function examineTopics(
  dir: string,
  producers: readonly string[],
  findings: Findings,
): Promise<ExaminedTopic[]> {
  const report: Report = (level, message, fields) => {
    const { folder }: Fields = fields ?? {};
    // What was damaged is told again by whoever asks for it, but for topics that are gone as a whole.
    if (level === "error" && folder !== undefined) {
      const error = new StatefoldError("LOG_CORRUPT", message);
      findings.add(findingOf(`topics/${String(folder)}`, error));
    }
    if (level === "warn") findings.add(tornEnd(dir, message, fields ?? {}), "torn ends of appends");
  };
  let log: TopicLog;
  try {
    log = await TopicLog.open(dir, { files: overlayFiles(), report, maxOpenFiles: 16 });
  } catch (error) {
    findings.add(findingOf("topics", error));
    return [];
  }
  const topics: ExaminedTopic[] = [];
  try {
    for (const topic of log.list()) {
      const partitions: ExaminedTopicPartition[] = [];
      for (let k = 0; k < topic.partitionCount; k++) {
        partitions.push(await examineOne(dir, topic, k, producers, findings));
      }
      topics.push({ name: topic.name, partitions });
    }
  } finally {
    await log.close();
  }
  return topics;
}

type Fields = Readonly<Record<string, unknown>>;

function tornEnd(dir: string, what: string, { file, position }: Fields): Finding {
  const path = String(file ?? "topics").replace(`${dir}/`, "");
  return {
    kind: "note",
    where: `${path}, byte ${String(position ?? "?")}`,
    what: what.replace("was cut off", "is there"),
    means: "An append was cut off by a crash, and acknowledged to nobody.",
    advice: "Nothing: the next start cuts it off.",
  };
}

async function examineOne(
  dir: string,
  topic: Topic,
  partition: number,
  producers: readonly string[],
  findings: Findings,
): Promise<ExaminedTopicPartition> {
  const where = `topics/${topicFolder(topic.name)}/${partition}`;
  const unread = { beginOffset: undefined, endOffset: undefined, oldestMs: undefined };
  let log: LogPartition;
  try {
    log = await topic.partition(partition);
  } catch (error) {
    findings.add(findingOf(where, error));
    return { partition, ...unread, records: 0, bytes: 0, marks: new Map() };
  }
  const bases = segmentBases(await readdir(join(dir, where)));
  let [records, oldestMs]: [number, number | undefined] = [0, undefined];
  for (let offset = log.startOffset; offset < log.endOffset; ) {
    try {
      const result = await log.read(offset, LIMITS);
      assert(result.kind === "records", "an offset between start and end is there");
      records += result.records.length;
      oldestMs ??= result.records[0]?.timestampMs;
      offset = result.next;
    } catch (error) {
      findings.add(findingOf(where, error), "damage within topics");
      const from = offset;
      offset = bases.find((base) => base > from) ?? log.endOffset;
    }
  }
  const { startOffset: beginOffset, endOffset, bytes } = log;
  const marks = new Map<string, number>();
  for (const id of producers) {
    const mark = log.producerMark(id);
    if (mark !== undefined) marks.set(id, mark);
  }
  return { partition, beginOffset, endOffset, records, bytes, oldestMs, marks };
}
