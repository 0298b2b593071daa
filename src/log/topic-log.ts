import { join } from "node:path";
import { describeError, StatefoldError } from "../base/errors.ts";
import { FileCache } from "./file-cache.ts";
import {
  checkPartitionCount,
  type ResolvedOptions,
  resolveOptions,
  type TopicLogOptions,
} from "./options.ts";
import { Topic } from "./topic.ts";
import { createTopic, readTopic } from "./topic-file.ts";
import { checkTopicName } from "./topic-name.ts";

/**
 * The topic log: durable topics with partitions and offsets in a data directory, below `topics/`; the
 * embedded stand-in for Kafka. docs/topic-log.md says what it promises and how its files look.
 *
 * One process at a time: the lock on the data directory is its owner's.
 */
export class TopicLog {
  readonly #root: string;
  readonly #cache: FileCache;
  readonly #options: ResolvedOptions;
  readonly #topics: Map<string, Topic>;
  readonly #making = new Map<string, Promise<Topic>>();
  #closing: Promise<void> | undefined;

  private constructor(
    root: string,
    cache: FileCache,
    options: ResolvedOptions,
    topics: Map<string, Topic>,
  ) {
    this.#root = root;
    this.#cache = cache;
    this.#options = options;
    this.#topics = topics;
  }

  /**
   * Reads which topics there are; their partitions open on first use.
   * Rejects with CONFIG_INVALID, LOG_CORRUPT, STORE_FORMAT, and LOG_WRITE_FAILED when the disk refuses.
   *
   * @param directory the data directory. That it exists durably is its owner's business.
   */
  static async open(directory: string, options: TopicLogOptions = {}): Promise<TopicLog> {
    const resolved = resolveOptions(options);
    const { files } = resolved;
    const cache = new FileCache(files, resolved.maxOpenFiles);
    const root = join(directory, "topics");
    const topics = new Map<string, Topic>();
    try {
      await files.makeDirectory(root);
      await files.syncDirectory(directory);
      await files.syncDirectory(root);
      for (const folder of (await files.list(root)).sort()) {
        const info = await readTopic(cache, root, folder);
        if (info !== undefined) topics.set(info.name, new Topic(root, info, cache, resolved));
      }
    } catch (cause) {
      await cache.close();
      if (cause instanceof StatefoldError) throw cause;
      const message = `the topic log in ${root} could not be opened: ${describeError(cause)}`;
      throw new StatefoldError("LOG_WRITE_FAILED", message, { cause });
    }
    return new TopicLog(root, cache, resolved, topics);
  }

  /** The largest record taken, in bytes. */
  get maxRecordBytes(): number {
    return this.#options.maxRecordBytes;
  }

  /** Every topic, by name. */
  list(): Topic[] {
    return [...this.#topics.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** A topic that exists. */
  find(name: string): Topic | undefined {
    return this.#topics.get(name);
  }

  /**
   * A topic, made on first use with so many partitions (default: the log's). The count of one that exists
   * stays as it is. Rejects with REQUEST_INVALID for an impossible name, OVERLOADED when there are too
   * many topics, LOG_WRITE_FAILED, UNAVAILABLE.
   */
  async topic(name: string, partitions?: number): Promise<Topic> {
    if (this.#closing !== undefined) {
      throw new StatefoldError("UNAVAILABLE", "the topic log is closed");
    }
    const known = this.#topics.get(name);
    if (known !== undefined) return known;
    checkTopicName(name);
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

  async #make(name: string, partitions: number): Promise<Topic> {
    const info = { name, partitions };
    try {
      await createTopic(this.#cache, this.#root, info, this.#options.clock.now());
    } catch (cause) {
      const message = `topic ${name} could not be made below ${this.#root}: ${describeError(cause)}`;
      throw new StatefoldError("LOG_WRITE_FAILED", message, { cause });
    }
    const topic = new Topic(this.#root, info, this.#cache, this.#options);
    this.#topics.set(name, topic);
    return topic;
  }
}
