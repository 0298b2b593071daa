/**
 * Makes the topic log of a data directory anew from a snapshot: files as they were, cut where the log's cut was. What
 * is made is opened by the usual code, with all that it checks, and must begin and end where the manifest says.
 */
import { StatefoldError } from "../base/errors.ts";
import type { BlobStore } from "../blob/contract.ts";
import type { FileSystem } from "../log/files.ts";
import { RestoredLog } from "../log/restored-log.ts";
import type { SyncedNote } from "../log/synced-note.ts";
import { TopicLog } from "../log/topic-log.ts";
import { atOnce } from "./at-once.ts";
import type { Manifest, TopicPart, TopicPartitionShare, TopicShare } from "./manifest.ts";
import { bytesOfTopicPart } from "./stored-snapshots.ts";

/** Topic partitions that are read at once. */
const PARTITIONS_AT_ONCE = 4;

export interface RestoreTopicsOptions {
  readonly blob: BlobStore;
  readonly manifest: Manifest;
  /** The data directory, which is being made. */
  readonly directory: string;
  readonly files?: FileSystem;
  readonly signal?: AbortSignal | undefined;
}

/**
 * @returns the log, open: whoever gets it closes it
 * @throws StatefoldError SNAPSHOT_CORRUPT, which names the part; LOG_WRITE_FAILED; what the blob store throws
 */
export async function restoreTopics(options: RestoreTopicsOptions): Promise<TopicLog> {
  const { manifest, directory, files } = options;
  const restored = new RestoredLog(directory, files);
  try {
    for (const topic of manifest.topics) await restoreTopic(options, restored, topic);
  } finally {
    await restored.close();
  }
  const log = await TopicLog.open(directory, files === undefined ? {} : { files });
  try {
    for (const topic of manifest.topics) await check(log, topic);
    return log;
  } catch (error) {
    await log.close();
    throw error;
  }
}

async function restoreTopic(
  options: RestoreTopicsOptions,
  restored: RestoredLog,
  { name, partitions }: TopicShare,
): Promise<void> {
  const { blob, signal = new AbortController().signal } = options;
  const notes: SyncedNote[] = [];
  await atOnce(partitions.entries(), PARTITIONS_AT_ONCE, signal, async ([k, share], either) => {
    for (const { base, createdAtMs, parts } of share.segments) {
      const position = await restored.segment(name, k, base, all(blob, parts, either));
      notes[k] = { segment: base, position, endOffset: share.end, createdAtMs };
    }
  });
  await restored.topic(name, notes);
}

async function* all(
  blob: BlobStore,
  parts: readonly TopicPart[],
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  for (const part of parts) yield* bytesOfTopicPart({ blob, signal }, part);
}

async function check(log: TopicLog, { name, partitions }: TopicShare): Promise<void> {
  for (const [k, share] of partitions.entries()) {
    const { start, end } = await offsetsOf(log, name, k);
    if (start === share.start && end === share.end) continue;
    throw wrong(
      name,
      k,
      `it goes from ${start} to ${end}, and went from ${share.start} to ${share.end}`,
    );
  }
}

async function offsetsOf(
  log: TopicLog,
  name: string,
  partition: number,
): Promise<Pick<TopicPartitionShare, "start" | "end">> {
  try {
    const found = await log.find(name)?.partition(partition);
    if (found === undefined) throw wrong(name, partition, "it is not there");
    return { start: found.startOffset, end: found.endOffset };
  } catch (error) {
    if (!(error instanceof StatefoldError) || error.code !== "LOG_CORRUPT") throw error;
    throw wrong(name, partition, error.message);
  }
}

function wrong(topic: string, partition: number, what: string): StatefoldError {
  const text = `what the snapshot holds of topic ${topic}, partition ${partition} is damaged: ${what}`;
  return new StatefoldError("SNAPSHOT_CORRUPT", text);
}
