/**
 * The epoch being filled and the one being committed.
 *
 * Owns the writes and the releases of both, and the overlay through which a read sees what is written but
 * not yet in the store. Does not own what the writes mean.
 *
 * I2: a release waits for the commit of the epoch it was made in.
 * I3: an epoch's writes leave as one commit, and at most one commit is outstanding.
 * I9: it knows how heavy the epoch being filled is, so that whoever adds to it can hold back.
 */
import { assert } from "../base/assert.ts";
import type { Write } from "../store/contract.ts";
import type { Release } from "./ports.ts";

/** A key as a map's key: one character a byte. */
export function keyText(key: Uint8Array): string {
  // Those of keys.ts are buffers already, and a view costs as much as the text.
  const bytes =
    key instanceof Buffer ? key : Buffer.from(key.buffer, key.byteOffset, key.byteLength);
  return bytes.toString("latin1");
}

interface Epoch {
  readonly writes: Write[];
  readonly overlay: Map<string, Uint8Array | undefined>;
  readonly releases: Release[];
  /** When the first change came, undefined while there is none. */
  dirtySinceMs: number | undefined;
  /** Someone waits for this epoch. */
  urgent: boolean;
  /** About what its commit will hold, in bytes. */
  weight: number;
}

const newEpoch = (): Epoch => ({
  writes: [],
  overlay: new Map(),
  releases: [],
  dirtySinceMs: undefined,
  urgent: false,
  weight: 0,
});

export class Epochs {
  /** The last durable epoch. */
  committed: number;
  /** The current time of the turn, for the age of changes. */
  nowMs = 0;
  #filling = newEpoch();
  #committing: Epoch | undefined;
  /** What the outstanding read may miss; undefined while none is. */
  #sinceRead: Map<string, Uint8Array | undefined> | undefined;

  readonly #maxBytes: number;

  constructor(committed: number, maxBytes = Number.POSITIVE_INFINITY) {
    this.committed = committed;
    this.#maxBytes = maxBytes;
  }

  /** The number of the epoch being filled. */
  get current(): number {
    return this.committed + (this.#committing === undefined ? 1 : 2);
  }

  get isCommitting(): boolean {
    return this.#committing !== undefined;
  }

  get dirtySinceMs(): number | undefined {
    return this.#filling.dirtySinceMs;
  }

  get isUrgent(): boolean {
    return this.#filling.urgent;
  }

  /** Something changed that the next commit must hold, though no write of it exists yet. */
  touch(): void {
    this.#filling.dirtySinceMs ??= this.nowMs;
  }

  /** The epoch being filled has reached its bound: what can wait goes into the next. */
  get isHeavy(): boolean {
    return this.#filling.weight >= this.#maxBytes;
  }

  /** So much will be written with this epoch, though no write of it exists yet. */
  weigh(bytes: number): void {
    this.#filling.weight += bytes;
  }

  /** Somebody waits for what has changed: the commit does not linger. */
  hurry(): void {
    this.#filling.urgent = true;
  }

  /** Writes a key that is never read through {@link peek}. */
  write(key: Uint8Array, value: Uint8Array | undefined): void {
    this.touch();
    this.#filling.weight += key.byteLength + (value?.byteLength ?? 0);
    this.#filling.writes.push({ key, value });
  }

  /** Writes a key that may be read again before it is in the store. */
  writeVisible(key: Uint8Array, value: Uint8Array | undefined): void {
    this.write(key, value);
    const text = keyText(key);
    this.#filling.overlay.set(text, value);
    this.#sinceRead?.set(text, value);
  }

  /** What was written under a key and may not be in the store yet; undefined: nothing. */
  peek(text: string): { readonly value: Uint8Array | undefined } | undefined {
    for (const epoch of [this.#filling, this.#committing]) {
      if (epoch?.overlay.has(text)) return { value: epoch.overlay.get(text) };
    }
    return undefined;
  }

  /** I2. `lazy`: nobody is kept waiting for it. */
  release(release: Release, lazy = false): void {
    this.#filling.releases.push(release);
    if (!lazy) this.#filling.urgent = true;
  }

  /**
   * Closes the epoch being filled and returns its writes, to be committed under the number returned.
   * Its releases come out of {@link complete}.
   */
  begin(): { epoch: number; writes: Write[] } {
    assert(this.#committing === undefined, "two commits at once");
    const epoch = this.current;
    this.#committing = this.#filling;
    this.#filling = newEpoch();
    return { epoch, writes: this.#committing.writes };
  }

  /** The outstanding commit is durable: what it held back may leave. */
  complete(epoch: number): readonly Release[] {
    assert(this.#committing !== undefined && epoch === this.committed + 1, "an unexpected commit");
    const { releases } = this.#committing;
    this.#committing = undefined;
    this.committed = epoch;
    return releases;
  }

  /**
   * Releases made in an epoch that changed nothing: they need no commit of their own, and wait only for
   * the one that is running, since they may tell of what it holds.
   */
  settle(): readonly Release[] {
    if (this.#filling.dirtySinceMs !== undefined || this.#filling.releases.length === 0) return [];
    const releases = this.#filling.releases.splice(0);
    this.#filling.urgent = false;
    if (this.#committing === undefined) return releases;
    this.#committing.releases.push(...releases);
    return [];
  }

  /**
   * A read of these keys (as {@link keyText} has them) leaves for the store. What is not durable now may be by the time the answer is
   * here, and the store may have looked before: so it is remembered with what is written from now on.
   */
  beginRead(texts: readonly string[]): void {
    assert(this.#sinceRead === undefined, "two reads at once");
    this.#sinceRead = new Map();
    for (const text of texts) {
      const written = this.peek(text);
      if (written !== undefined) this.#sinceRead.set(text, written.value);
    }
  }

  /** What the answer may lack: newer than what the store returned. */
  endRead(): ReadonlyMap<string, Uint8Array | undefined> {
    const since = this.#sinceRead;
    assert(since !== undefined, "a read that was not begun");
    this.#sinceRead = undefined;
    return since;
  }
}
