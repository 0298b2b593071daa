import { assert } from "../base/assert.ts";
import { StatefoldError } from "../base/errors.ts";
import { partitionOfBytes } from "../model/partitioner.ts";
import type { FileCache } from "./file-cache.ts";
import type { ResolvedOptions } from "./options.ts";
import { LogPartition } from "./partition.ts";
import type { NewRecord } from "./record.ts";
import { type LogFolders, partitionPlace, type TopicInfo } from "./topic-file.ts";

export interface RecordPlace {
  readonly partition: number;
  readonly offset: number;
}

/** A topic: a name and a number of partitions that never changes. Partitions open on first use. */
export class Topic {
  readonly name: string;
  readonly partitionCount: number;
  readonly #folders: LogFolders;
  readonly #cache: FileCache;
  readonly #options: ResolvedOptions;
  readonly #partitions = new Map<number, Promise<LogPartition>>();
  readonly #opened = new Map<number, LogPartition>();
  #turn = 0;
  #closed = false;

  constructor(folders: LogFolders, info: TopicInfo, cache: FileCache, options: ResolvedOptions) {
    this.name = info.name;
    this.partitionCount = info.partitions;
    this.#folders = folders;
    this.#cache = cache;
    this.#options = options;
  }

  /** Opens it on first use; rejects as {@link LogPartition.open} does, and tries again next time. */
  async partition(partition: number): Promise<LogPartition> {
    if (!Number.isInteger(partition) || partition < 0 || partition >= this.partitionCount) {
      const message = `topic ${this.name} has the partitions 0 to ${this.partitionCount - 1}, not ${partition}`;
      throw new StatefoldError("NOT_FOUND", message);
    }
    if (this.#closed) throw new StatefoldError("UNAVAILABLE", "the topic log is closed");
    const known = this.#partitions.get(partition);
    if (known !== undefined) return await known;
    const place = partitionPlace(this.#folders, this.name, partition);
    const opening = LogPartition.open(place, this.#cache, this.#options);
    this.#partitions.set(partition, opening);
    try {
      const log = await opening;
      this.#opened.set(partition, log);
      return log;
    } catch (error) {
      this.#partitions.delete(partition);
      throw error;
    }
  }

  /** Those that have been opened; a hole for each other one. */
  get opened(): readonly (LogPartition | undefined)[] {
    return Array.from({ length: this.partitionCount }, (_, k) => this.#opened.get(k));
  }

  /** Every partition. Rejects as opening the first that does not open does, when all have been tried. */
  async openAll(): Promise<void> {
    let failure: unknown;
    for (let k = 0; k < this.partitionCount; k++) {
      try {
        await this.partition(k);
      } catch (error) {
        failure ??= error;
      }
    }
    if (failure !== undefined) throw failure;
  }

  /**
   * Kafka's default partitioner on the key. Without a key it is the turn's: give ascending numbers for
   * round robin, and the same number for the same record.
   */
  partitionFor(key: Uint8Array | undefined, turn: number): number {
    if (key !== undefined) return partitionOfBytes(key, this.partitionCount);
    return turn % this.partitionCount;
  }

  /**
   * Appends each record to its partition; where none is given to that of its key, those without key in
   * turn. Durable when it resolves. Records of one partition keep their order; each partition takes its own
   * part or not. A partition that a failed write has closed to appends is reopened first.
   *
   * @returns where each record is, in the order given
   */
  async append(
    records: readonly (NewRecord & { readonly partition?: number | undefined })[],
  ): Promise<RecordPlace[]> {
    const indexes = new Map<number, number[]>();
    records.forEach((record, i) => {
      const turn = record.key === undefined ? this.#turn++ : 0;
      const partition = record.partition ?? this.partitionFor(record.key, turn);
      const list = indexes.get(partition);
      if (list === undefined) indexes.set(partition, [i]);
      else list.push(i);
    });
    const places: RecordPlace[] = new Array(records.length);
    const appends = [...indexes].map(async ([partition, own]) => {
      const part = own.map((i) => records[i]).filter((record) => record !== undefined);
      const log = await this.partition(partition);
      if (log.failure !== undefined) await log.reopen();
      const { firstOffset } = await log.append(part);
      own.forEach((i, n) => {
        places[i] = { partition, offset: firstOffset + n };
      });
    });
    const failed = (await Promise.allSettled(appends)).find((end) => end.status === "rejected");
    if (failed !== undefined) throw failed.reason;
    assert(places.length === records.length, "every record has a place");
    return places;
  }

  /** Opens every partition and removes what retention lets go. */
  async applyRetention(): Promise<void> {
    for (let partition = 0; partition < this.partitionCount; partition++) {
      await (await this.partition(partition)).applyRetention();
    }
  }

  /** What was taken is written. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const end of await Promise.allSettled(this.#partitions.values())) {
      if (end.status === "fulfilled") await end.value.close();
    }
  }
}
