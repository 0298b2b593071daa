import { dirname, join } from "node:path";
import { StatefoldError } from "../base/errors.ts";
import { readSummedLine, summedLine } from "../base/summed-line.ts";
import { isAbsent } from "../base/system-error.ts";
import type { FileCache } from "./file-cache.ts";
import { corrupt, createSegment, readSegmentFile, segmentBases, segmentPath } from "./segment.ts";
import { SyncedNoteFile } from "./synced-note.ts";
import { topicFolder } from "./topic-name.ts";

/**
 * What makes a folder a topic: a file of two lines, written last of all when the topic is made.
 *
 *   topic.json = {"version":1,"name":…,"partitions":…} LF crc LF
 *   crc        = CRC-32 (IEEE) of the first line's bytes, 8 hexadecimal digits
 *
 * A folder without it is a topic whose making was never acknowledged: it does not exist, and is made anew.
 */
export interface TopicInfo {
  readonly name: string;
  readonly partitions: number;
}

export const TOPIC_FILE = "topic.json";
const TOPIC_VERSION = 1;
const MAX_TOPIC_FILE_BYTES = 4096;

/** Where the topics lie, and, apart from them, how far each was synced. */
export interface LogFolders {
  readonly topics: string;
  readonly witness: string;
}

export function logFolders(dataDirectory: string): LogFolders {
  const witness = join(dataDirectory, "witness", "topics");
  return { topics: join(dataDirectory, "topics"), witness };
}

export function partitionPlace(folders: LogFolders, topic: string, partition: number) {
  const directory = join(folders.topics, topicFolder(topic), String(partition));
  const notePath = join(folders.witness, topicFolder(topic), String(partition));
  return { topic, partition, directory, notePath };
}

/** Makes the topic with its empty partitions; durable when the promise resolves. */
export async function createTopic(
  cache: FileCache,
  folders: LogFolders,
  topic: TopicInfo,
  nowMs: number,
): Promise<void> {
  const { files } = cache;
  const folder = join(folders.topics, topicFolder(topic.name));
  const witness = join(folders.witness, topicFolder(topic.name));
  await files.makeDirectory(witness);
  for (let partition = 0; partition < topic.partitions; partition++) {
    const { directory, notePath } = partitionPlace(folders, topic.name, partition);
    await files.makeDirectory(directory);
    const { headBytes } = await createSegment(cache, directory, {
      topic: topic.name,
      partition,
      base: 0,
      createdAtMs: nowMs,
      previous: undefined,
      marks: new Map(),
    });
    const nothing = { segment: 0, position: headBytes, endOffset: 0, createdAtMs: nowMs };
    await new SyncedNoteFile(cache, notePath).create(nothing);
  }
  for (const made of [witness, folders.witness, dirname(folders.witness), folder]) {
    await files.syncDirectory(made);
  }
  await writeTopicFile(cache, folders, topic);
}

/** Last of all: what was made before is a topic from now on. Durable when the promise resolves. */
export async function writeTopicFile(
  cache: FileCache,
  folders: LogFolders,
  topic: TopicInfo,
): Promise<void> {
  const { files } = cache;
  const folder = join(folders.topics, topicFolder(topic.name));
  await files.syncDirectory(folder);
  const path = join(folder, TOPIC_FILE);
  await cache.use(
    path,
    async (file) => {
      await file.truncate(0);
      await file.write(0, topicFileBytes(topic));
      await file.sync();
    },
    { create: true },
  );
  await files.syncDirectory(folder);
  await files.syncDirectory(folders.topics);
}

/**
 * The topic of a folder; undefined when its making did not come to an end. LOG_CORRUPT when the file is
 * missing or damaged beside records.
 */
export async function readTopic(
  cache: FileCache,
  root: string,
  folder: string,
): Promise<TopicInfo | undefined> {
  const path = join(root, folder, TOPIC_FILE);
  const text = await readText(cache, path);
  const topic = text === undefined ? undefined : parseTopicFile(path, text);
  if (topic !== undefined && topicFolder(topic.name) === folder) return topic;
  if (topic === undefined && !(await holdsRecords(cache, join(root, folder)))) return undefined;
  throw corrupt(
    path,
    undefined,
    topic === undefined
      ? "the file that says what topic this is, is missing or damaged, though there are records"
      : `the file is in the wrong folder: it belongs to topic ${topic.name}`,
    STAYS_CLOSED,
  );
}

const STAYS_CLOSED =
  "The topic stays closed, so that nothing is lost silently: restore its folder from a snapshot, or, to begin it anew without its records, move its folder in topics/ and the one of that name in witness/topics/ away";

/**
 * Why a folder that holds no topic should: there were records. Undefined: nothing is known to be missing.
 */
export async function missingTopic(
  cache: FileCache,
  folders: LogFolders,
  folder: string,
): Promise<StatefoldError | undefined> {
  const witness = join(folders.witness, folder);
  let endOffset = 0;
  for (const name of await cache.files.list(witness)) {
    const note = await new SyncedNoteFile(cache, join(witness, name)).read();
    endOffset += note?.endOffset ?? 0;
  }
  if (endOffset === 0) return undefined;
  const what = `the topic is missing, which held ${endOffset} acknowledged records, those included that retention removed`;
  return corrupt(join(folders.topics, folder), undefined, what, STAYS_CLOSED);
}

function topicFileBytes(topic: TopicInfo): Buffer {
  const { name, partitions } = topic;
  const line = JSON.stringify({ version: TOPIC_VERSION, name, partitions });
  return Buffer.from(summedLine(line));
}

async function readText(cache: FileCache, path: string): Promise<string | undefined> {
  try {
    return await cache.use(path, async (file) => {
      const bytes = await file.read(0, MAX_TOPIC_FILE_BYTES);
      // What is believed now must be durable; the process that wrote it may not have lived to sync it.
      await file.sync();
      await cache.files.syncDirectory(dirname(path));
      return bytes.toString("utf8");
    });
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error;
  }
}

function parseTopicFile(path: string, text: string): TopicInfo | undefined {
  const line = readSummedLine(text);
  if (line === undefined) return undefined;
  const value = JSON.parse(line) as { version: number; name: string; partitions: number };
  if (value.version !== TOPIC_VERSION) {
    const message = `${path} has version ${value.version} of the topic log's format, which this program cannot read`;
    throw new StatefoldError("STORE_FORMAT", message);
  }
  return { name: value.name, partitions: value.partitions };
}

/** Whether any partition below holds more than the empty segment it is made with. */
async function holdsRecords(cache: FileCache, folder: string): Promise<boolean> {
  for (const name of await cache.files.list(folder)) {
    if (!/^\d+$/.test(name)) continue;
    const directory = join(folder, name);
    for (const base of segmentBases(await cache.files.list(directory))) {
      const file = await readSegmentFile(cache, segmentPath(directory, base));
      if (base > 0 || file.size > Math.max(file.headBytes, 1024)) return true;
      if (file.head !== undefined && file.size > file.headBytes) return true;
    }
  }
  return false;
}
