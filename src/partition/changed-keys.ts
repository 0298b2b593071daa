/**
 * Which keys have changed since the last snapshot that is complete, so that the next one need not hold
 * more: collected from commit to commit, handed over with each cut, kept until a snapshot that holds them is
 * told complete.
 *
 * A cut hands over everything since the last complete snapshot, not since the last cut: a snapshot may be
 * abandoned, and nobody has to say so.
 *
 * What is not known is said to be unknown, never left out: after an opening, since the life before cannot
 * tell what it changed, and beyond the bound, where a list would cost more than it saves. Known again is
 * what changes from the next cut on.
 */
import type { Write } from "../store/contract.ts";
import { TAGS } from "../store/keys.ts";
import { keyText } from "./epochs.ts";
import type { PartitionLimits } from "./limits.ts";
import type { Changes } from "./ports.ts";

/** Around a key in a set. */
const KEY_BYTES = 50;
/** Cuts whose snapshots are neither complete nor given up; of more, the oldest two count as one. */
const OPEN_CUTS = 8;

/** Keys with a number that is given once: written once, and when they are gone, gone for good. */
const NAMED_ONCE: ReadonlySet<number | undefined> = new Set([
  ...[TAGS.mail, TAGS.timer, TAGS.outbox, TAGS.dead],
]);

type Keys = ReadonlySet<string>;

export class ChangedKeys {
  readonly #limits: Pick<PartitionLimits, "changedKeys" | "changedKeyBytes">;
  /** The barrier of the last complete snapshot. */
  #since = 0;
  /** Since the last cut; undefined: unknown. */
  #current: Set<string> | undefined;
  /** Between earlier cuts, in order, up to the one of this barrier. */
  #handed: { readonly barrier: number; readonly keys: Keys | undefined }[] = [];
  /** Of all sets. */
  #count = 0;
  #bytes = 0;

  constructor(limits: Pick<PartitionLimits, "changedKeys" | "changedKeyBytes">) {
    this.#limits = limits;
  }

  /** How many are held, those of several cuts several times. */
  get count(): number {
    return this.#count;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** A commit that starts will write these. */
  add(writes: readonly Write[]): void {
    const keys = this.#current;
    if (keys === undefined) return;
    for (const { key, value } of writes) {
      const text = keyText(key);
      // Made since the last cut and gone before the next: no snapshot has seen it.
      if (value === undefined && NAMED_ONCE.has(key[0]) && keys.delete(text)) {
        this.#weigh(text, -1);
        continue;
      }
      const before = keys.size;
      if (keys.add(text).size > before) this.#weigh(text, 1);
    }
    const { changedKeys, changedKeyBytes } = this.#limits;
    if (this.#count > changedKeys || this.#bytes > changedKeyBytes) this.#forget();
  }

  /** The commit of a cut is durable: what has changed up to it. Undefined: unknown. */
  cut(barrier: number): Changes | undefined {
    this.#handed.push({ barrier, keys: this.#current });
    this.#current = new Set();
    if (this.#handed.length > OPEN_CUTS) this.#join();
    const keys = this.#handed.flatMap((each) => each.keys ?? []);
    if (keys.length < this.#handed.length) return undefined;
    return { since: this.#since, keys };
  }

  /** The snapshot of this barrier is complete: what comes next comes on top of it. */
  complete(barrier: number): void {
    const at = this.#handed.findIndex((each) => each.barrier === barrier);
    // A cut of an earlier life: what has changed since then this one does not know.
    if (at === -1) return;
    for (const { keys } of this.#handed.splice(0, at + 1)) this.#drop(keys);
    this.#since = barrier;
  }

  #join(): void {
    const [first, second, ...rest] = this.#handed;
    if (first === undefined || second === undefined) return;
    const isKnown = first.keys !== undefined && second.keys !== undefined;
    const keys = isKnown ? new Set([...first.keys, ...second.keys]) : undefined;
    for (const each of [first.keys, second.keys]) this.#drop(each);
    for (const text of keys ?? []) this.#weigh(text, 1);
    this.#handed = [{ barrier: second.barrier, keys }, ...rest];
  }

  /** Too many. What led up to an unknown is of no use either: both are needed, or neither is. */
  #forget(): void {
    this.#current = undefined;
    this.#handed = this.#handed.map(({ barrier }) => ({ barrier, keys: undefined }));
    this.#count = 0;
    this.#bytes = 0;
  }

  #drop(keys: Keys | undefined): void {
    for (const text of keys ?? []) this.#weigh(text, -1);
  }

  #weigh(text: string, sign: 1 | -1): void {
    this.#count += sign;
    this.#bytes += sign * (text.length + KEY_BYTES);
  }
}
