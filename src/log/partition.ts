import { assert } from "../base/assert.ts";
import { type Deferred, deferred } from "../base/deferred.ts";
import { describeError, StatefoldError } from "../base/errors.ts";
import { Appender, type AppenderPlace } from "./appender.ts";
import { type PartitionCut, readFrames, type SegmentCut } from "./cut.ts";
import type { FileCache } from "./file-cache.ts";
import type { ResolvedOptions } from "./options.ts";
import type { AppendResult, LogRecord, NewRecord, Producer } from "./record.ts";
import { type PartitionState, recover } from "./recovery.ts";
import type { Segment } from "./segment.ts";
import { type ReadLimits, SegmentReader } from "./segment-reader.ts";
import { SyncedNoteFile } from "./synced-note.ts";

export type ReadResult =
  /** `next` is the offset to go on with. No records: `offset` is the end. */
  | { readonly kind: "records"; readonly records: readonly LogRecord[]; readonly next: number }
  /** Retention has removed the records from `offset` up to `startOffset`. */
  | { readonly kind: "belowStart"; readonly startOffset: number }
  /** There has never been such an offset here. */
  | { readonly kind: "beyondEnd"; readonly endOffset: number };

interface Follower {
  readonly offset: number;
  readonly done: Deferred<void>;
}

/**
 * One partition of a topic: records with ascending offsets. Appending is the appender's; this reads,
 * waits and forgets (retention). What is read has been synced.
 */
export class LogPartition {
  readonly topic: string;
  readonly partition: number;
  readonly #state: PartitionState;
  readonly #cache: FileCache;
  readonly #reader: SegmentReader;
  readonly #appender: Appender;
  readonly #options: ResolvedOptions;
  readonly #directory: string;
  readonly #followers = new Set<Follower>();
  #closed = false;
  /** Cuts that are being read: what is in them is not removed. */
  #cuts = 0;
  #retaining: Promise<void> = Promise.resolve();
  #retentionFailed = false;

  private constructor(
    place: AppenderPlace,
    state: PartitionState,
    note: SyncedNoteFile,
    cache: FileCache,
    options: ResolvedOptions,
  ) {
    this.topic = place.topic;
    this.partition = place.partition;
    this.#directory = place.directory;
    this.#state = state;
    this.#cache = cache;
    this.#options = options;
    this.#reader = new SegmentReader(cache);
    this.#appender = new Appender({
      place,
      state,
      cache,
      note,
      options,
      onSynced: () => this.#wakeFollowers(),
      onRolled: () => void this.applyRetention(),
    });
  }

  /** Rejects with LOG_CORRUPT when something acknowledged is damaged, STORE_FORMAT, UNAVAILABLE. */
  static async open(
    place: AppenderPlace,
    cache: FileCache,
    options: ResolvedOptions,
  ): Promise<LogPartition> {
    const note = new SyncedNoteFile(cache, place.notePath);
    try {
      const state = await recover({
        ...place,
        cache,
        note: await note.read(),
        nowMs: options.clock.now(),
        report: options.report,
      });
      return new LogPartition(place, state, note, cache, options);
    } catch (error) {
      if (error instanceof StatefoldError) throw error;
      const message = `topic ${place.topic}, partition ${place.partition} could not be opened`;
      throw new StatefoldError("UNAVAILABLE", message, { cause: error });
    }
  }

  /** The first offset that can be read; the end when there is none. */
  get startOffset(): number {
    return this.#state.segments[0]?.base ?? 0;
  }

  /** The offset of the next record. */
  get endOffset(): number {
    return this.#state.endOffset;
  }

  /** What its files hold, about. */
  get bytes(): number {
    return this.#state.segments.reduce(
      (sum, { closedBytes, dataEnd }) => sum + (closedBytes ?? dataEnd),
      0,
    );
  }

  /** Why appends are refused; undefined while they are taken. */
  get failure(): StatefoldError | undefined {
    return this.#appender.failure;
  }

  /** The highest number of this producer that the partition holds, or has held. */
  producerMark(id: string): number | undefined {
    return this.#state.marks.get(id);
  }

  /**
   * Appends in order, all or nothing of what fits a batch; durable when the promise resolves. With a
   * producer, records whose numbers it holds are skipped, so that an append may be repeated.
   *
   * Rejects with VALUE_TOO_LARGE and REQUEST_INVALID (nothing was done), OVERLOADED (too much waits; the
   * same), LOG_WRITE_FAILED (it may or may not be there after a crash), UNAVAILABLE (closed).
   * Neither the records nor their bytes may be changed afterwards.
   */
  async append(records: readonly NewRecord[], producer?: Producer): Promise<AppendResult> {
    return await this.#appender.append(records, producer);
  }

  /** After LOG_WRITE_FAILED: drops what was not synced and takes appends again. */
  async reopen(): Promise<void> {
    await this.#appender.reopen();
  }

  /**
   * Records from `offset` on, as many as the limits and one segment allow. Their bytes are views on what
   * was read: copy what is kept for long. Rejects with LOG_CORRUPT where a file is damaged.
   */
  async read(offset: number, limits: ReadLimits): Promise<ReadResult> {
    assert(limits.maxRecords >= 1, "a read asks for a record at least");
    this.#refuseWhenClosed();
    if (offset < this.startOffset) return { kind: "belowStart", startOffset: this.startOffset };
    if (offset > this.endOffset) return { kind: "beyondEnd", endOffset: this.endOffset };
    if (offset === this.endOffset) return { kind: "records", records: [], next: offset };
    try {
      const records = await this.#reader.read(this.#segmentOf(offset), offset, limits);
      const last = records.at(-1);
      assert(last !== undefined, "a segment holds what its place in the list says");
      return { kind: "records", records, next: last.offset + 1 };
    } catch (error) {
      // Retention may have taken the file away meanwhile.
      if (offset < this.startOffset) return { kind: "belowStart", startOffset: this.startOffset };
      throw error;
    }
  }

  /**
   * Resolves as soon as there is something at `offset`, or when it has been removed already. Rejects with
   * the signal's reason, or UNAVAILABLE when the log is closed.
   */
  async follow(offset: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    this.#refuseWhenClosed();
    if (offset < this.endOffset) return;
    const follower: Follower = { offset, done: deferred<void>() };
    const abort = (): void => follower.done.reject(signal.reason);
    this.#followers.add(follower);
    signal.addEventListener("abort", abort, { once: true });
    try {
      await follower.done.promise;
    } finally {
      signal.removeEventListener("abort", abort);
      this.#followers.delete(follower);
    }
  }

  /** All that is synced now. @param done to be called when it has been read */
  cut(): { readonly cut: PartitionCut; readonly done: () => void } {
    this.#cuts++;
    const segments = this.#state.segments.map((segment): SegmentCut => {
      const { base, createdAtMs, path, closedBytes, dataEnd } = segment;
      const bytes = closedBytes ?? dataEnd;
      const read = (from: number, until: number) => readFrames(this.#cache, path, from, until);
      return { base, createdAtMs, bytes, read };
    });
    const { startOffset, endOffset } = this;
    const done = (): void => {
      this.#cuts--;
      if (this.#cuts === 0) void this.applyRetention();
    };
    return { cut: { startOffset, endOffset, segments }, done };
  }

  /** Removes what retention lets go. Never rejects: a failure is reported, and ends retention here. */
  async applyRetention(): Promise<void> {
    const { maxAgeMs, maxBytes } = this.#options.retention;
    if (maxAgeMs === undefined && maxBytes === undefined) return;
    this.#retaining = this.#retaining.then(() => this.#retain());
    await this.#retaining;
  }

  /** Ends appends and followers; what was taken is written. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#appender.close();
    await this.#retaining;
    for (const follower of this.#followers) follower.done.reject(this.#closedError());
  }

  #segmentOf(offset: number): Segment {
    const { segments } = this.#state;
    let low = 0;
    let high = segments.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((segments[middle]?.base ?? 0) <= offset) low = middle + 1;
      else high = middle;
    }
    const segment = segments[low - 1];
    assert(segment !== undefined, "a segment holds every offset between start and end");
    return segment;
  }

  async #retain(): Promise<void> {
    if (this.#closed || this.#retentionFailed) return;
    const { maxAgeMs } = this.#options.retention;
    const { clock, files } = this.#options;
    if (maxAgeMs !== undefined) await this.#appender.rollIfOlder(clock.now() - maxAgeMs / 4);
    const { segments } = this.#state;
    for (let oldest = segments[0]; oldest !== undefined && this.#mayGo(); oldest = segments[0]) {
      segments.shift(); // first of all: readers below are told, not failed
      try {
        await this.#cache.forget(oldest.path);
        await files.remove(oldest.path);
        // One by one, so that no crash leaves a gap between segments.
        await files.syncDirectory(this.#directory);
      } catch (error) {
        this.#retentionFailed = true;
        this.#options.report("error", "Retention could not remove a file; it ends here.", {
          file: oldest.path,
          reason: describeError(error),
        });
        return;
      }
      this.#options.report("info", "Retention removed a segment.", {
        topic: this.topic,
        partition: this.partition,
        startOffset: this.startOffset,
      });
    }
  }

  /** Whether the oldest segment may go. Its age is that of its youngest record: when the next was made. */
  #mayGo(): boolean {
    const { segments } = this.#state;
    const { maxAgeMs, maxBytes } = this.#options.retention;
    const next = segments[1];
    if (next === undefined || this.#cuts > 0) return false;
    const closedForMs = this.#options.clock.now() - next.createdAtMs;
    if (maxAgeMs !== undefined && closedForMs >= maxAgeMs) return true;
    let bytes = 0;
    for (const segment of segments) bytes += segment.closedBytes ?? 0;
    return maxBytes !== undefined && bytes > maxBytes;
  }

  #wakeFollowers(): void {
    for (const follower of this.#followers) {
      if (follower.offset < this.endOffset) follower.done.resolve();
    }
  }

  #refuseWhenClosed(): void {
    if (this.#closed) throw this.#closedError();
  }

  #closedError(): StatefoldError {
    const name = `topic ${this.topic}, partition ${this.partition}`;
    return new StatefoldError("UNAVAILABLE", `${name}: the topic log is closed`);
  }
}
