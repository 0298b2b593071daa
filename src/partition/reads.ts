/**
 * What the partition wants to know of its store: gathered during a turn, asked for in one request, and
 * handed to whoever wanted it at the beginning of the turn that receives the answer.
 *
 * At most one request is outstanding; what is wanted meanwhile goes with the next. A single key is seen
 * as of the moment of the answer, uncommitted writes included. A scan is of committed entries, and not
 * corrected: whoever scans bounds the range to what was committed when it asked.
 */
import { assert } from "../base/assert.ts";
import type { Entry, ScanRange } from "../store/contract.ts";
import { type Epochs, keyText } from "./epochs.ts";
import type { ReadInput, ReadRequest } from "./ports.ts";

interface WantedKeys {
  readonly keys: readonly Uint8Array[];
  /** Of each key, as the epochs know it. */
  readonly texts: readonly string[];
  readonly then: (values: readonly (Uint8Array | undefined)[]) => void;
}

interface WantedRange {
  readonly range: ScanRange;
  readonly then: (entries: readonly Entry[]) => void;
}

export class Reads {
  readonly #epochs: Epochs;
  #keys: WantedKeys[] = [];
  #ranges: WantedRange[] = [];
  #outstanding: { readonly keys: WantedKeys[]; readonly ranges: WantedRange[] } | undefined;

  constructor(epochs: Epochs) {
    this.#epochs = epochs;
  }

  /** Calls `then` on a later turn, or at once when the value is known from an uncommitted write. */
  get(key: Uint8Array, then: (value: Uint8Array | undefined) => void): void {
    this.getMany([key], (values) => then(values[0]));
  }

  /** The same for several keys, seen together: all as of the moment `then` is called. */
  getMany(
    keys: readonly Uint8Array[],
    then: (values: readonly (Uint8Array | undefined)[]) => void,
  ): void {
    const texts = keys.map(keyText);
    const written = texts.map((text) => this.#epochs.peek(text));
    if (written.includes(undefined)) this.#keys.push({ keys, texts, then });
    else then(written.map((found) => found?.value));
  }

  scan(range: ScanRange, then: (entries: readonly Entry[]) => void): void {
    this.#ranges.push({ range, then });
  }

  /** The next request, when something is wanted and none is outstanding. */
  next(): ReadRequest | undefined {
    if (this.#outstanding !== undefined) return undefined;
    if (this.#keys.length === 0 && this.#ranges.length === 0) return undefined;
    this.#outstanding = { keys: this.#keys, ranges: this.#ranges };
    this.#keys = [];
    this.#ranges = [];
    const keys = this.#outstanding.keys.flatMap((wanted) => wanted.keys);
    const texts = this.#outstanding.keys.flatMap((wanted) => wanted.texts);
    this.#epochs.beginRead(texts);
    return {
      keys,
      ranges: this.#outstanding.ranges.map((wanted) => wanted.range),
    };
  }

  complete(answer: ReadInput): void {
    const wanted = this.#outstanding;
    assert(wanted !== undefined, "an answer to a read that was not asked for");
    this.#outstanding = undefined;
    const since = this.#epochs.endRead();
    let at = 0;
    for (const { texts, then } of wanted.keys) {
      // Looked up one by one: the continuation before may have written the key too.
      const values = texts.map((text) => {
        const stored = answer.values[at++];
        const written = this.#epochs.peek(text);
        if (written !== undefined) return written.value;
        return since.has(text) ? since.get(text) : stored;
      });
      then(values);
    }
    wanted.ranges.forEach(({ then }, i) => {
      then(answer.scans[i] ?? []);
    });
  }
}
