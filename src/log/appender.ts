import { assert } from "../base/assert.ts";
import { type Deferred, deferred } from "../base/deferred.ts";
import { describeError, StatefoldError } from "../base/errors.ts";
import { Seldom } from "../telemetry/seldom.ts";
import { checkAppend } from "./check-append.ts";
import type { FileCache } from "./file-cache.ts";
import { frameBytes } from "./frame.ts";
import { GroupDraft, MAX_PRODUCERS } from "./group-draft.ts";
import type { ResolvedOptions } from "./options.ts";
import { type AppendResult, type NewRecord, type Producer, recordBytes } from "./record.ts";
import type { PartitionState } from "./recovery.ts";
import { createSegment, type Segment, segmentPath } from "./segment.ts";
import { SparseIndex } from "./sparse-index.ts";
import type { SyncedNoteFile } from "./synced-note.ts";

/** Written at a time; an append alone may be larger. */
const MAX_GROUP_BYTES = 8 * 1024 * 1024;

interface Pending {
  readonly records: readonly NewRecord[];
  readonly producer: Producer | undefined;
  readonly bytes: number;
  readonly done: Deferred<AppendResult>;
}

type Phase =
  | { readonly name: "open" }
  | { readonly name: "failed"; readonly error: StatefoldError }
  | { readonly name: "closed" };

export interface AppenderPlace {
  readonly topic: string;
  readonly partition: number;
  readonly directory: string;
  /** The file that notes how far it was synced. */
  readonly notePath: string;
}

/**
 * Owns the writing end of one partition: the queue of appends, the segment that grows, the producers'
 * marks. Readers see what it has put into `state`, and that only after the sync.
 *
 * - One write and one sync at a time. Appends that arrive meanwhile share the next: no timer, the groups
 *   grow by themselves under load.
 * - `state` holds only what is synced. A group becomes part of it as a whole, after its sync.
 * - After a failed write or sync nothing is tried again: what is on the disk behind `state` is unknown.
 *   All that waits is refused, and so is everything after it until `reopen`.
 */
export class Appender {
  readonly #place: AppenderPlace;
  readonly #state: PartitionState;
  readonly #cache: FileCache;
  readonly #note: SyncedNoteFile;
  readonly #options: ResolvedOptions;
  readonly #onSynced: () => void;
  readonly #onRolled: () => void;
  /** While the disk is full each append fails, and the log may lie on that disk. */
  readonly #failing: Seldom;
  readonly #unnoted: Seldom;
  #phase: Phase = { name: "open" };
  #queue: Pending[] = [];
  #pendingBytes = 0;
  #rollWanted: { readonly createdBeforeMs: number; readonly done: Deferred<void> } | undefined;
  #running: Promise<void> | undefined;
  #reopening: Promise<void> | undefined;
  #noting: Promise<void> | undefined;
  #noteAgain = false;
  #noteIsSynced = false;

  constructor(input: {
    readonly place: AppenderPlace;
    readonly state: PartitionState;
    readonly cache: FileCache;
    readonly note: SyncedNoteFile;
    readonly options: ResolvedOptions;
    /** There is more to read. */
    readonly onSynced: () => void;
    /** A segment was closed. */
    readonly onRolled: () => void;
  }) {
    this.#place = input.place;
    this.#state = input.state;
    this.#cache = input.cache;
    this.#note = input.note;
    this.#options = input.options;
    this.#onSynced = input.onSynced;
    this.#onRolled = input.onRolled;
    this.#failing = new Seldom(input.options.clock);
    this.#unnoted = new Seldom(input.options.clock);
  }

  /** Why it takes nothing more; undefined while it does. */
  get failure(): StatefoldError | undefined {
    return this.#phase.name === "failed" ? this.#phase.error : undefined;
  }

  async append(
    records: readonly NewRecord[],
    producer: Producer | undefined,
  ): Promise<AppendResult> {
    this.#refuseUnlessOpen();
    checkAppend(records, producer, this.#options.maxRecordBytes);
    let bytes = 0;
    for (const record of records) bytes += recordBytes(record);
    const { maxPendingBytes } = this.#options;
    if (this.#pendingBytes > 0 && this.#pendingBytes + bytes > maxPendingBytes) {
      const waiting = `${this.#pendingBytes} bytes wait to be written, at most ${maxPendingBytes} may`;
      throw new StatefoldError("OVERLOADED", `${this.#name}: ${waiting}; try again shortly`);
    }
    const done = deferred<AppendResult>();
    this.#queue.push({ records, producer, bytes, done });
    this.#pendingBytes += bytes;
    this.#wake();
    return await done.promise;
  }

  /** Closes the segment that grows if it was made before this time and holds anything. */
  async rollIfOlder(createdBeforeMs: number): Promise<void> {
    if (this.#phase.name !== "open") return;
    this.#rollWanted ??= { createdBeforeMs, done: deferred<void>() };
    const { done } = this.#rollWanted;
    this.#wake();
    await done.promise;
  }

  /**
   * After a failure: throws away what was not synced, and takes appends again. Rejects with
   * LOG_WRITE_FAILED, and changes nothing, when the disk still refuses.
   */
  async reopen(): Promise<void> {
    await this.#running;
    if (this.#phase.name === "open") return;
    if (this.#phase.name === "closed") this.#refuseUnlessOpen();
    this.#reopening ??= this.#reopen();
    try {
      await this.#reopening;
    } finally {
      this.#reopening = undefined;
    }
  }

  /** Takes nothing more; what was taken is written. Idempotent. */
  async close(): Promise<void> {
    this.#phase = { name: "closed" };
    await this.#running;
    await this.#noting;
    if (!this.#noteIsSynced) await this.#writeNote({ sync: true });
  }

  get #name(): string {
    return `topic ${this.#place.topic}, partition ${this.#place.partition}`;
  }

  get #active(): Segment {
    const active = this.#state.segments.at(-1);
    assert(active !== undefined, "a partition has a segment");
    return active;
  }

  #refuseUnlessOpen(): void {
    if (this.#phase.name === "failed") throw this.#phase.error;
    if (this.#phase.name === "closed") {
      throw new StatefoldError("UNAVAILABLE", `${this.#name}: the topic log is closed`);
    }
  }

  #wake(): void {
    this.#running ??= this.#run();
  }

  /** Never rejects. */
  async #run(): Promise<void> {
    await Promise.resolve(); // appends of one tick share the first write, too
    while (this.#queue.length > 0 || this.#rollWanted !== undefined) {
      const group = this.#takeGroup();
      try {
        await this.#rollWhenDue();
        await this.#write(group);
      } catch (error) {
        this.#fail(group, error);
      }
    }
    this.#running = undefined;
  }

  #takeGroup(): Pending[] {
    let bytes = 0;
    let count = 0;
    for (const pending of this.#queue) {
      bytes += pending.bytes;
      if (count > 0 && bytes > MAX_GROUP_BYTES) break;
      count++;
    }
    return this.#queue.splice(0, count);
  }

  async #write(group: readonly Pending[]): Promise<void> {
    const active = this.#active;
    const draft = new GroupDraft(this.#state, active, this.#options.clock.now());
    const results = group.map((pending) => draft.add(pending.records, pending.producer));
    const { bytes } = draft;
    if (bytes.byteLength > 0) {
      await this.#cache.use(active.path, async (file) => {
        await file.write(active.dataEnd, bytes);
        await file.sync();
      });
      draft.commit();
      this.#noteIsSynced = false;
      this.#noteSynced();
      this.#onSynced();
    }
    group.forEach((pending, i) => {
      this.#pendingBytes -= pending.bytes;
      const result = results[i];
      if (result === undefined) pending.done.reject(tooManyProducers(this.#name));
      else pending.done.resolve(result);
    });
  }

  #fail(group: readonly Pending[], cause: unknown): void {
    const error = new StatefoldError(
      "LOG_WRITE_FAILED",
      `${this.#name}: writing to ${this.#place.directory} failed (${describeError(cause)}); it takes no appends until it is reopened, reading goes on`,
      { cause },
    );
    if (this.#phase.name === "open") this.#phase = { name: "failed", error };
    this.#failing.happened((times) => {
      this.#options.report("error", error.message, { ...this.#place, times });
    });
    for (const pending of [...group, ...this.#queue]) pending.done.reject(error);
    this.#queue = [];
    this.#pendingBytes = 0;
    this.#rollWanted?.done.resolve();
    this.#rollWanted = undefined;
  }

  async #rollWhenDue(): Promise<void> {
    const wanted = this.#rollWanted;
    const active = this.#active;
    const old = wanted !== undefined && active.createdAtMs < wanted.createdBeforeMs;
    const full = active.dataEnd >= this.#options.segmentBytes;
    if (active.dataEnd > active.headBytes && (full || old)) await this.#roll(active);
    if (this.#rollWanted !== wanted) return;
    this.#rollWanted = undefined;
    wanted?.done.resolve();
  }

  /** The segment gets its index, and a next one is made. In this order: recovery relies on it. */
  async #roll(active: Segment): Promise<void> {
    const index = frameBytes("index", active.dataEnd, (writer) => active.index?.write(writer));
    await this.#cache.use(active.path, async (file) => {
      await file.write(active.dataEnd, index);
      await file.sync();
    });
    const size = active.dataEnd + index.byteLength;
    const next = await createSegment(this.#cache, this.#place.directory, {
      topic: this.#place.topic,
      partition: this.#place.partition,
      base: this.#state.endOffset,
      createdAtMs: this.#options.clock.now(),
      previous: { base: active.base, dataEnd: active.dataEnd, size },
      marks: this.#state.marks,
    });
    next.index = new SparseIndex();
    active.closedBytes = size;
    active.index = undefined;
    this.#state.segments.push(next);
    await this.#noting;
    // Synced, so that a last segment that vanishes as a whole is missed.
    await this.#writeNote({ sync: true });
    this.#onRolled();
  }

  async #reopen(): Promise<void> {
    const active = this.#active;
    try {
      // A next segment may have been begun. It goes first: recovery takes it at its word.
      if (this.#state.endOffset !== active.base) {
        const begun = segmentPath(this.#place.directory, this.#state.endOffset);
        await this.#cache.forget(begun);
        await this.#cache.files.remove(begun);
        await this.#cache.files.syncDirectory(this.#place.directory);
      }
      await this.#cache.forget(active.path);
      await this.#cache.use(active.path, async (file) => {
        await file.truncate(active.dataEnd);
        await file.sync();
      });
    } catch (cause) {
      const message = `${this.#name}: it could not be reopened (${describeError(cause)})`;
      throw new StatefoldError("LOG_WRITE_FAILED", message, { cause });
    }
    if (this.#phase.name === "failed") this.#phase = { name: "open" };
  }

  /** One note at a time; what is synced meanwhile is in the next. */
  #noteSynced(): void {
    this.#noteAgain = true;
    this.#noting ??= this.#keepNoting();
  }

  async #keepNoting(): Promise<void> {
    await Promise.resolve();
    while (this.#noteAgain) {
      this.#noteAgain = false;
      await this.#writeNote({ sync: false });
    }
    this.#noting = undefined;
  }

  /** Never rejects: what is missing in the note is a check less at the next open. */
  async #writeNote(options: { readonly sync: boolean }): Promise<void> {
    const active = this.#active;
    const { base: segment, dataEnd: position, createdAtMs } = active;
    const { endOffset } = this.#state;
    try {
      await this.#note.write({ segment, position, endOffset, createdAtMs }, options);
      this.#noteIsSynced = options.sync;
    } catch (error) {
      const reason = describeError(error);
      this.#unnoted.happened((times) => {
        const fields = { ...this.#place, reason, times };
        this.#options.report("warn", "The note of what is synced could not be written.", fields);
      });
    }
  }
}

function tooManyProducers(name: string): StatefoldError {
  const message = `${name}: ${MAX_PRODUCERS} producers are remembered, one more is refused`;
  return new StatefoldError("OVERLOADED", message);
}
