import { dirname } from "node:path";
import { describeError, StatefoldError } from "../base/errors.ts";
import type { PartitionCut, TopicCut } from "./cut.ts";
import { FileCache } from "./file-cache.ts";
import {
  checkPartitionCount,
  type ResolvedOptions,
  resolveOptions,
  type TopicLogOptions,
} from "./options.ts";
import { Topic } from "./topic.ts";
import { createTopic, type LogFolders, logFolders, missingTopic, readTopic } from "./topic-file.ts";
import { checkTopicName, topicFolder } from "./topic-name.ts";

interface Found {
  readonly topics: Map<string, Topic>;
  readonly broken: ReadonlyMap<string, StatefoldError>;
}

/**
 * The topic log: durable topics with partitions and offsets in a data directory, below `topics/`; the
 * embedded stand-in for Kafka. docs/topic-log.md says what it promises and how its files look.
 *
 * One process at a time: the lock on the data directory is its owner's.
 */
export class TopicLog {
  readonly #folders: LogFolders;
  readonly #cache: FileCache;
  readonly #options: ResolvedOptions;
  readonly #topics: Map<string, Topic>;
  /** Folders of topics that are damaged or gone as a whole, and why. */
  readonly #broken: ReadonlyMap<string, StatefoldError>;
  readonly #making = new Map<string, Promise<Topic>>();
  /** Of the last cut. */
  #barrier = 0;
  #closing: Promise<void> | undefined;

  private constructor(
    folders: LogFolders,
    cache: FileCache,
    options: ResolvedOptions,
    { topics, broken }: Found,
  ) {
    this.#folders = folders;
    this.#cache = cache;
    this.#options = options;
    this.#topics = topics;
    this.#broken = broken;
  }

  /**
   * Reads which topics there are; their partitions open on first use.
   * One that is damaged is reported, and whoever asks for it is told (LOG_CORRUPT); the others are there.
   * Rejects with CONFIG_INVALID, STORE_FORMAT, and LOG_WRITE_FAILED when the disk refuses.
   *
   * @param directory the data directory. That it exists durably is its owner's business.
   */
  static async open(directory: string, options: TopicLogOptions = {}): Promise<TopicLog> {
    const resolved = resolveOptions(options);
    const { files } = resolved;
    const cache = new FileCache(files, resolved.maxOpenFiles);
    const folders = logFolders(directory);
    try {
      for (const folder of [folders.topics, folders.witness]) {
        await files.makeDirectory(folder);
        await files.syncDirectory(dirname(folder));
        await files.syncDirectory(folder);
      }
      await files.syncDirectory(directory);
      const found = await findTopics(folders, cache, resolved);
      const log = new TopicLog(folders, cache, resolved, found);
      if (resolved.onCut !== undefined) await log.#openAll();
      return log;
    } catch (cause) {
      await cache.close();
      if (cause instanceof StatefoldError) throw cause;
      const message = `the topic log in ${folders.topics} could not be opened: ${describeError(cause)}`;
      throw new StatefoldError("LOG_WRITE_FAILED", message, { cause });
    }
  }

  /** The largest record taken, in bytes. */
  get maxRecordBytes(): number {
    return this.#options.maxRecordBytes;
  }

  /** Every topic, by name. */
  list(): Topic[] {
    return [...this.#topics.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** A topic that exists. Throws LOG_CORRUPT for one that is damaged or gone as a whole. */
  find(name: string): Topic | undefined {
    this.#refuseBroken(name);
    return this.#topics.get(name);
  }

  /**
   * A topic, made on first use with so many partitions (default: the log's). The count of one that exists
   * stays as it is. Rejects with REQUEST_INVALID for an impossible name, OVERLOADED when there are too
   * many topics, LOG_CORRUPT as `find` does, LOG_WRITE_FAILED, UNAVAILABLE.
   */
  async topic(name: string, partitions?: number): Promise<Topic> {
    if (this.#closing !== undefined) {
      throw new StatefoldError("UNAVAILABLE", "the topic log is closed");
    }
    const known = this.#topics.get(name);
    if (known !== undefined) return known;
    checkTopicName(name);
    this.#refuseBroken(name);
    const count = partitions ?? this.#options.partitions;
    checkPartitionCount(count);
    let making = this.#making.get(name);
    if (making === undefined) {
      const topics = this.#topics.size + this.#making.size;
      if (topics >= this.#options.maxTopics) {
        const message = `topic ${name} is not made: there are ${topics} topics, at most ${this.#options.maxTopics} may be (a limit of the topic log)`;
        throw new StatefoldError("OVERLOADED", message);
      }
      making = this.#make(name, count).finally(() => this.#making.delete(name));
      this.#making.set(name, making);
    }
    return await making;
  }

  /**
   * The number of the last snapshot that it was cut for. What is read from it, and what is acknowledged to who
   * publishes, goes out with this number or a greater one: it takes part in snapshots as a partition does
   * (partition/barrier.ts). It need not be kept: of what was being taken when a process ended nothing comes.
   */
  get barrier(): number {
    return this.#barrier;
  }

  /**
   * Cuts for this snapshot, unless it has or for a greater one: all that is synced now is in it, nothing that is
   * appended from now on. Appends that are being written are not, and nobody has been told of them.
   */
  cutFor(barrier: number): void {
    if (barrier <= this.#barrier) return;
    this.#barrier = barrier;
    const { onCut } = this.#options;
    if (onCut === undefined || this.#closing !== undefined) return;
    const ends: (() => void)[] = [];
    let [problem] = this.#broken.values();
    const topics = this.list().map(({ name, opened }): TopicCut => {
      const partitions: PartitionCut[] = [];
      for (const [k, partition] of opened.entries()) {
        if (partition === undefined) {
          problem ??= new StatefoldError("LOG_CORRUPT", `partition ${k} of ${name} does not open`);
          continue;
        }
        const { cut, done } = partition.cut();
        partitions.push(cut);
        ends.push(done);
      }
      return { name, partitions };
    });
    // The next one may be whole.
    if (problem !== undefined) void this.#openAll();
    const close = (): void => {
      for (const end of ends.splice(0)) end();
    };
    onCut({ barrier, topics, problem, close });
  }

  /** Never rejects: who uses one that does not open is told, and so is who gets a cut without it. */
  async #openAll(): Promise<void> {
    for (const topic of this.list()) {
      try {
        await topic.openAll();
      } catch (error) {
        const reason = describeError(error);
        this.#options.report("error", "A topic cannot be part of a snapshot.", {
          topic: topic.name,
          reason,
        });
      }
    }
  }

  /** Removes what retention lets go, in every partition: to be called now and then. Never rejects. */
  async applyRetention(): Promise<void> {
    const { maxAgeMs, maxBytes } = this.#options.retention;
    if (maxAgeMs === undefined && maxBytes === undefined) return;
    for (const topic of this.#topics.values()) {
      if (this.#closing !== undefined) return;
      try {
        await topic.applyRetention();
      } catch (error) {
        this.#options.report("error", "Retention could not look at a topic.", {
          topic: topic.name,
          reason: describeError(error),
        });
      }
    }
  }

  /** What was taken is written; everything asked afterwards is UNAVAILABLE. Idempotent. */
  async close(): Promise<void> {
    this.#closing ??= this.#close();
    await this.#closing;
  }

  async #close(): Promise<void> {
    await Promise.allSettled(this.#making.values());
    await Promise.all([...this.#topics.values()].map((topic) => topic.close()));
    await this.#cache.close();
  }

  #refuseBroken(name: string): void {
    const error = this.#broken.get(topicFolder(name));
    if (error !== undefined) throw error;
  }

  async #make(name: string, partitions: number): Promise<Topic> {
    const info = { name, partitions };
    try {
      await createTopic(this.#cache, this.#folders, info, this.#options.clock.now());
    } catch (cause) {
      const message = `topic ${name} could not be made below ${this.#folders.topics}: ${describeError(cause)}`;
      throw new StatefoldError("LOG_WRITE_FAILED", message, { cause });
    }
    const topic = new Topic(this.#folders, info, this.#cache, this.#options);
    if (this.#options.onCut !== undefined) await topic.openAll();
    this.#topics.set(name, topic);
    return topic;
  }
}

async function findTopics(
  folders: LogFolders,
  cache: FileCache,
  options: ResolvedOptions,
): Promise<Found> {
  const topics = new Map<string, Topic>();
  const broken = new Map<string, StatefoldError>();
  const names = await cache.files.list(folders.topics);
  const witnessed = await cache.files.list(folders.witness);
  for (const folder of [...new Set([...names, ...witnessed])].sort()) {
    try {
      const info = await readTopic(cache, folders.topics, folder);
      if (info !== undefined) {
        topics.set(info.name, new Topic(folders, info, cache, options));
        continue;
      }
      const missing = await missingTopic(cache, folders, folder);
      if (missing !== undefined) throw missing;
    } catch (error) {
      if (!(error instanceof StatefoldError) || error.code !== "LOG_CORRUPT") throw error;
      broken.set(folder, error);
      options.report("error", error.message, { folder });
    }
  }
  return { topics, broken };
}
