import { breath } from "../base/breath.ts";
import { Heap } from "../base/heap.ts";

/** Sorted at once: about a millisecond. */
const RUN_KEYS = 2_000;

/**
 * All keys of the sets in order, each once; the event loop is never held for longer than a run takes.
 *
 * @param sets keys with one character for each byte, whose order is that of the bytes then
 */
export async function sortedKeys(sets: readonly ReadonlySet<string>[]): Promise<string[]> {
  const runs: string[][] = [];
  let run: string[] = [];
  const end = async (): Promise<void> => {
    runs.push(run.sort(inOrder));
    run = [];
    if (runs.length > 1) await breath();
  };
  for (const set of sets) {
    for (const key of set) {
      run.push(key);
      if (run.length >= RUN_KEYS) await end();
    }
  }
  if (run.length > 0) await end();
  const [only = []] = runs;
  if (runs.length <= 1 && sets.length <= 1) return only;
  return await merged(runs);
}

const inOrder = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

async function merged(runs: readonly (readonly string[])[]): Promise<string[]> {
  const next = new Heap<{ readonly key: string; readonly run: readonly string[]; at: number }>(
    (a, b) => a.key < b.key,
  );
  for (const run of runs) {
    const [key] = run;
    if (key !== undefined) next.push({ key, run, at: 0 });
  }
  const all: string[] = [];
  for (let first = next.pop(), taken = 1; first !== undefined; first = next.pop(), taken++) {
    if (all.at(-1) !== first.key) all.push(first.key);
    const at = first.at + 1;
    const key = first.run[at];
    if (key !== undefined) next.push({ key, run: first.run, at });
    if (taken % RUN_KEYS === 0) await breath();
  }
  return all;
}
