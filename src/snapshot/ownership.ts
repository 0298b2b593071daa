/** The prefix is ours, until somebody else's put shows that it is not (claim.ts says who may). */
import { describeError, StatefoldError } from "../base/errors.ts";
import type { BlobStore } from "../blob/contract.ts";
import type { SnapshotClock } from "./clock.ts";
import { type Head, writeHead } from "./head.ts";
import { loadHead } from "./head-file.ts";
import { HEAD_KEY } from "./layout.ts";

/** Beats in a lease: as many may be lost but one. */
const BEATS_PER_LEASE = 3;

export interface OwnershipOptions {
  readonly blob: BlobStore;
  readonly clock: SnapshotClock;
  readonly leaseMs: number;
  readonly head: Head;
  readonly tag: string;
}

export interface BeatListener {
  /** A beat could not be stored; the next one is tried. */
  onMissed(error: unknown): void;
  /** Told once: nothing can be stored from now on. */
  onFenced(error: StatefoldError): void;
}

export class Ownership {
  readonly #options: OwnershipOptions;
  #head: Head;
  #tag: string;
  #fence: StatefoldError | undefined;
  /** Writes wait for each other. */
  #writing: Promise<unknown> = Promise.resolve();
  #writtenAtMs: number;
  /** Undefined: it does not beat. */
  #listener: BeatListener | undefined;
  #stopBeating: (() => void) | undefined;

  constructor(options: OwnershipOptions) {
    this.#options = options;
    this.#head = options.head;
    this.#tag = options.tag;
    this.#writtenAtMs = options.clock.now();
  }

  /** As it was last stored by us, or seen. */
  get head(): Head {
    return this.#head;
  }

  get term(): number {
    return this.#options.head.owner.term;
  }

  /** Why nothing can be stored any more. */
  get fence(): StatefoldError | undefined {
    return this.#fence;
  }

  /**
   * Replaces the head.
   *
   * @param change may be called again, with what a restore has noted meanwhile
   * @throws StatefoldError SNAPSHOT_FENCED, once and for all; BLOB_UNAVAILABLE: nobody knows whether it was stored,
   *   the next update shows
   */
  update(change: (head: Head) => Head, signal?: AbortSignal): Promise<void> {
    const writing = this.#writing.then(() => this.#update(change, signal));
    this.#writing = writing.catch(() => {});
    return writing;
  }

  async #update(change: (head: Head) => Head, signal: AbortSignal | undefined): Promise<void> {
    const { blob, clock } = this.#options;
    for (;;) {
      signal?.throwIfAborted();
      if (this.#fence !== undefined) throw this.#fence;
      const changed = change(this.#head);
      const head = { ...changed, beat: this.#head.beat + 1 };
      const options = { ifMatch: this.#tag };
      const put = await blob.put(
        HEAD_KEY,
        writeHead(head),
        signal === undefined ? options : { ...options, signal },
      );
      if (put.stored) {
        this.#head = head;
        this.#tag = put.tag;
        this.#writtenAtMs = clock.now();
        return;
      }
      await this.#lookAgain();
    }
  }

  /** Somebody has replaced it: a restore's note, or an earlier put of ours whose answer was lost; or we are out. */
  async #lookAgain(): Promise<void> {
    const found = await loadHead(this.#options.blob);
    if (found?.head.owner.term === this.term) {
      this.#head = found.head;
      this.#tag = found.tag;
      return;
    }
    const { application } = this.#head;
    const { owner } = found?.head ?? {};
    const by =
      owner === undefined
        ? `${HEAD_KEY} was deleted`
        : `process ${owner.pid} on ${owner.host} (${owner.command}) has taken over since ${new Date(owner.sinceMs).toISOString()}`;
    this.#fence = new StatefoldError(
      "SNAPSHOT_FENCED",
      `the snapshots of "${application}" are not this process's any more: ${by}`,
    );
    throw this.#fence;
  }

  /**
   * From now on it shows that it is alive, whenever nothing else has for a while.
   *
   * @param listener instead of the one before, if there was one
   */
  beat(listener: BeatListener): void {
    this.#stopBeating?.();
    this.#listener = listener;
    const { clock, leaseMs } = this.#options;
    const everyMs = leaseMs / BEATS_PER_LEASE;
    const next = (): void => {
      const delayMs = Math.max(0, this.#writtenAtMs + everyMs - clock.now());
      this.#stopBeating = clock.after(delayMs === 0 ? everyMs : delayMs, () => void beat());
    };
    const beat = async (): Promise<void> => {
      try {
        if (clock.now() - this.#writtenAtMs >= everyMs) await this.update((head) => head);
      } catch (error) {
        if (this.#fence !== undefined) return listener.onFenced(this.#fence);
        listener.onMissed(error);
      }
      if (this.#listener === listener) next();
    };
    next();
  }

  /**
   * Gives it back to the data directory that it was taken over from, since nothing was made of it: as if this
   * owner had never been. Never rejects.
   */
  async handBack(data: string): Promise<void> {
    try {
      await this.update((head) => ({ ...head, owner: { ...head.owner, data } }));
    } catch {
      // Whoever comes next finds an owner that shows no life.
    }
  }

  /** Says good-bye, so that nobody need wait. Never rejects. Idempotent. */
  async release(onFailure: (why: string) => void = () => {}): Promise<void> {
    this.#stopBeating?.();
    this.#listener = undefined;
    try {
      await this.update((head) => ({ ...head, owner: { ...head.owner, released: true } }));
    } catch (error) {
      onFailure(describeError(error));
    }
  }
}
