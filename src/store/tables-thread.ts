/** Where a thread begins that compares tables: see tables-ahead.ts. */
import { parentPort, workerData } from "node:worker_threads";
import { assert } from "../base/assert.ts";
import { comparedTables, nameTable, readManifestOf } from "./level-files.ts";
import type { ThreadTask, ThreadWord } from "./tables-ahead.ts";

assert(parentPort !== null, "this runs as a thread of a process that opens databases");
const { dirs, part, of } = workerData as ThreadTask;
for (const dir of dirs) {
  const word: ThreadWord = { dir, right: await rightIn(dir) };
  parentPort.postMessage(word);
}

async function rightIn(dir: string): Promise<string[]> {
  const manifest = await readManifestOf(dir).catch(() => undefined);
  const own = manifest?.tables.filter((_, i) => i % of === part) ?? [];
  // Before they are read: a file that changes meanwhile is not the one that was compared.
  const names = new Map(own.map((entry) => [entry, nameTable(dir, entry)]));
  const right: string[] = [];
  for await (const { entry, problem } of comparedTables(dir, own)) {
    const name = names.get(entry);
    if (problem === undefined && name !== undefined) right.push(name);
  }
  return right;
}
