/**
 * Removes what nobody needs any more: the objects of snapshots that were dropped, and what attempts left
 * behind that never came to be complete.
 *
 * - Needed is what the manifest of a snapshot in the head names, and for a grace what those of dropped ones
 *   name: somebody may be restoring one. The grace is counted by the clock of the owner, from when it
 *   first saw it dropped; a successor counts anew.
 * - It never runs beside an attempt of this owner. Attempts of owners before cannot come to be complete any
 *   more: the head is not what they know. What has a later term than ours is a successor's, and left alone.
 * - Before anything is removed the head is stored again: so it is known that it is still ours, and exactly
 *   what it says.
 * - When a manifest that is needed cannot be read, nothing is removed.
 *
 * Dropped ones are followed by their manifests. All objects are listed only when somebody may have left some
 * behind: as an owner begins, after an attempt that failed, and now and then: an owner of the past that was
 * held still may wake up and write, until it finds out at the head.
 */
import { StatefoldError } from "../base/errors.ts";
import type { BlobStore } from "../blob/contract.ts";
import type { SnapshotClock } from "./clock.ts";
import { attemptOf, MANIFESTS, manifestKey, SEGMENTS, TOPICS } from "./layout.ts";
import { type Manifest, objectsOf } from "./manifest.ts";
import type { Ownership } from "./ownership.ts";
import { findManifest } from "./stored-snapshots.ts";

/** For a restore that has begun with a snapshot which is dropped meanwhile. */
export const GRACE_MS = 10 * 60 * 1000;
/** All objects are looked at so often at least. */
const LIST_EVERY_MS = 60 * 60 * 1000;
/** Deleted at once. */
const DELETED_AT_ONCE = 500;

export interface RetentionOptions {
  readonly blob: BlobStore;
  readonly owner: Ownership;
  readonly clock: SnapshotClock;
  /** Default GRACE_MS. */
  readonly graceMs?: number | undefined;
  /** Default LIST_EVERY_MS. */
  readonly listEveryMs?: number | undefined;
}

export class Retention {
  readonly #options: RetentionOptions;
  readonly #graceMs: number;
  /** When each was first seen dropped. */
  readonly #droppedAtMs = new Map<string, number>();
  /** Of snapshots that are complete or dropped; they never change. */
  readonly #manifests = new Map<string, Manifest>();
  /** Of these, those that were remembered. */
  readonly #ours = new Set<string>();
  /** When all objects are to be looked at; in the past: now. */
  #listDueMs = Number.NEGATIVE_INFINITY;

  constructor(options: RetentionOptions) {
    this.#options = options;
    this.#graceMs = options.graceMs ?? GRACE_MS;
    this.#look();
  }

  /** Of a snapshot that has come to be complete. */
  remember(name: string, manifest: Manifest): void {
    this.#manifests.set(name, manifest);
    this.#ours.add(name);
  }

  /** Complete snapshots that were remembered and are kept, by barrier. */
  get kept(): ReadonlyMap<number, Manifest> {
    const { snapshots } = this.#options.owner.head;
    const all = snapshots.flatMap((name) => this.#manifests.get(name) ?? []);
    return new Map(all.map((manifest) => [manifest.barrier, manifest]));
  }

  /** What a snapshot is made of, and whether this owner has made it. Undefined: it is damaged or missing. */
  async manifestOf(
    name: string,
    signal: AbortSignal,
  ): Promise<{ readonly manifest: Manifest; readonly isOurs: boolean } | undefined> {
    const isOurs = this.#ours.has(name);
    const manifest = await this.#findOver(name, signal);
    return manifest === undefined ? undefined : { manifest, isOurs };
  }

  /** An attempt has failed: something of it may be there. */
  attemptFailed(): void {
    this.#listDueMs = Number.NEGATIVE_INFINITY;
  }

  /** In how long there may be something to remove. */
  get dueInMs(): number {
    const first = Math.min(...this.#droppedAtMs.values()) + this.#graceMs;
    return Math.max(0, Math.min(first, this.#listDueMs) - this.#options.clock.now());
  }

  get #isListDue(): boolean {
    return this.#options.clock.now() >= this.#listDueMs;
  }

  /**
   * To be called while no attempt is running.
   *
   * @returns how many objects were removed
   * @throws what the blob store throws, SNAPSHOT_CORRUPT: nothing is lost, and the next time goes on
   */
  async collect(signal: AbortSignal): Promise<number> {
    this.#look();
    if (this.dueInMs !== 0) return 0;
    const { blob, owner, clock, listEveryMs = LIST_EVERY_MS } = this.#options;
    await owner.update((head) => head, signal);
    this.#look();
    const over = this.#over();
    const needed = await this.#needed(over, signal);
    const mayGo = new Set<string>();
    for (const name of over) {
      const manifest = await this.#findOver(name, signal);
      for (const key of manifest === undefined ? [] : objectsOf(manifest)) mayGo.add(key);
    }
    const isListDue = this.#isListDue;
    if (isListDue) for await (const key of this.#listed(signal)) mayGo.add(key);
    const segments = [...mayGo].filter((key) => !needed.has(key) && this.#isOurs(key));
    const manifests = over.map(manifestKey).filter((key) => !needed.has(key));
    // The manifest last: while it is there, it says what is left.
    await this.#remove(blob, segments, signal);
    await this.#remove(blob, manifests, signal);
    if (over.length > 0) {
      await owner.update((head) => {
        return { ...head, dropped: head.dropped.filter((name) => !over.includes(name)) };
      }, signal);
    }
    if (isListDue) this.#listDueMs = clock.now() + listEveryMs;
    for (const name of over) {
      this.#manifests.delete(name);
      this.#ours.delete(name);
      this.#droppedAtMs.delete(name);
    }
    return segments.length + manifests.length;
  }

  /** Notes when what was dropped was. */
  #look(): void {
    const { owner, clock } = this.#options;
    for (const name of owner.head.dropped) {
      if (!this.#droppedAtMs.has(name)) this.#droppedAtMs.set(name, clock.now());
    }
  }

  /** Dropped ones whose grace is over. */
  #over(): string[] {
    const { owner, clock } = this.#options;
    return owner.head.dropped.filter((name) => {
      return clock.now() - (this.#droppedAtMs.get(name) ?? clock.now()) >= this.#graceMs;
    });
  }

  async #needed(over: readonly string[], signal: AbortSignal): Promise<ReadonlySet<string>> {
    const { snapshots, dropped } = this.#options.owner.head;
    const needed = new Set<string>();
    for (const name of [...snapshots, ...dropped]) {
      if (over.includes(name)) continue;
      const manifest = await this.#find(name, signal);
      // A dropped one may have been removed by an owner who did not come to say so.
      if (manifest === undefined && dropped.includes(name)) continue;
      if (manifest === undefined) throw missing(name);
      needed.add(manifestKey(name));
      for (const key of objectsOf(manifest)) needed.add(key);
    }
    return needed;
  }

  async #find(name: string, signal: AbortSignal): Promise<Manifest | undefined> {
    const known = this.#manifests.get(name);
    if (known !== undefined) return known;
    const manifest = await findManifest(this.#options.blob, name, signal);
    if (manifest !== undefined) this.#manifests.set(name, manifest);
    return manifest;
  }

  /** Of one that may go. One that is damaged says nothing: what it named is found by a list. */
  async #findOver(name: string, signal: AbortSignal): Promise<Manifest | undefined> {
    try {
      return await this.#find(name, signal);
    } catch (error) {
      if (!(error instanceof StatefoldError) || error.code !== "SNAPSHOT_CORRUPT") throw error;
      this.#listDueMs = Number.NEGATIVE_INFINITY;
      return undefined;
    }
  }

  async *#listed(signal: AbortSignal): AsyncGenerator<string> {
    for (const prefix of [SEGMENTS, TOPICS, MANIFESTS]) {
      for await (const { key } of this.#options.blob.list(prefix, { signal })) yield key;
    }
  }

  /** What has no name of ours is nobody's business, what is a successor's is theirs. */
  #isOurs(key: string): boolean {
    const attempt = attemptOf(key);
    return attempt !== undefined && attempt.term <= this.#options.owner.term;
  }

  async #remove(blob: BlobStore, keys: readonly string[], signal: AbortSignal): Promise<void> {
    for (let at = 0; at < keys.length; at += DELETED_AT_ONCE) {
      await blob.delete(keys.slice(at, at + DELETED_AT_ONCE), { signal });
    }
  }
}

function missing(name: string): StatefoldError {
  const text = `${manifestKey(name)} of snapshot ${name} is missing`;
  return new StatefoldError("SNAPSHOT_CORRUPT", text);
}
