/** The changes of a partition's cut, in the order of their keys: everything, or what is different. */
import { fromLatin1, latin1 } from "../base/bytes.ts";
import type { StoreReader } from "../store/contract.ts";
import type { Change } from "./segment-format.ts";
import { sortedKeys } from "./sorted-keys.ts";

/** Can be read from any place on, as often as it takes. */
export interface ChangeSource {
  /** Those behind a key, a page at a time; undefined: all. */
  open(after: Uint8Array | undefined): AsyncIterable<readonly Change[]>;
}

/** A page is worked on in a millisecond or two: others have their turn between two of them. */
const PAGE_ENTRIES = 1_000;
const PAGE_BYTES = 256 * 1024;
/** Read at once where nobody knows how large values are. */
const FIRST_KEYS = 16;

/** Behind every key: no tag is so great. */
const END = Uint8Array.of(0xff);

export function everything(cut: StoreReader): ChangeSource {
  return {
    async *open(after) {
      let from = after === undefined ? Uint8Array.of(0) : behind(after);
      for (;;) {
        const range = { from, until: END, limit: PAGE_ENTRIES, maxBytes: PAGE_BYTES };
        const page = await cut.scan(range);
        const last = page.at(-1);
        if (last === undefined) return;
        yield page;
        from = behind(last.key);
      }
    },
  };
}

const behind = (key: Uint8Array): Uint8Array => Buffer.concat([key, Uint8Array.of(0)]);

export async function differences(
  cut: StoreReader,
  sets: readonly ReadonlySet<string>[],
): Promise<ChangeSource> {
  const keys = await sortedKeys(sets);
  return { open: (after) => read(cut, keys, after === undefined ? 0 : placeBehind(keys, after)) };
}

async function* read(
  cut: StoreReader,
  keys: readonly string[],
  start: number,
): AsyncGenerator<readonly Change[]> {
  let count = FIRST_KEYS;
  for (let at = start; at < keys.length; ) {
    const some = keys.slice(at, at + count).map(fromLatin1);
    const values = await cut.getMany(some);
    const page = some.map((key, i): Change => ({ key, value: values[i] }));
    yield page;
    const bytes = page.reduce((sum, { key, value }) => {
      return sum + key.byteLength + (value?.byteLength ?? 0);
    }, 0);
    at += some.length;
    // As many as about fill a page, judged by these.
    const fitting = Math.floor((some.length * PAGE_BYTES) / Math.max(bytes, 1));
    count = Math.max(1, Math.min(fitting, 2 * count, PAGE_ENTRIES));
  }
}

/** Where the keys behind this one begin. */
function placeBehind(keys: readonly string[], after: Uint8Array): number {
  const text = latin1(after);
  let [low, high] = [0, keys.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((keys[middle] ?? "") <= text) low = middle + 1;
    else high = middle;
  }
  return low;
}
