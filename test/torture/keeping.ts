/**
 * The store and the topic log by themselves, on a disk that fills, in a process that is killed: many times a
 * second, where a whole node takes a second to start.
 */
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Script } from "../support/process.ts";
import { createRng } from "../support/rng.ts";
import type { Disk } from "./disk.ts";

export interface KeepingResult {
  readonly starts: number;
  readonly kills: number;
  readonly fills: number;
  readonly epochs: number;
  readonly records: number;
  /** Times the disk refused: a commit, an append, an opening. */
  readonly refused: number;
  readonly violations: readonly string[];
  /** Of the last process. */
  readonly lastOutput: string;
}

/** Longer than a start takes, now and then shorter. */
const LIFE_MS = 500;

export async function keep(
  disk: Disk,
  options: { readonly seed: number; readonly seconds: number },
): Promise<KeepingResult> {
  const rng = createRng(options.seed);
  const violations: string[] = [];
  const count = { starts: 0, kills: 0, fills: 0, refused: 0 };
  let epochs = 0;
  let records = 0;
  let lastOutput = "";
  const untilMs = performance.now() + options.seconds * 1000;
  while (performance.now() < untilMs && violations.length === 0) {
    const script = new Script(
      {
        script: new URL("./scripts/keep.js", import.meta.url),
        args: [join(disk.path, "kept"), ...[options.seed, epochs, records].map(String)],
      },
      0,
    );
    count.starts++;
    await script.start();
    await Promise.race([sleep(150 + rng.int(LIFE_MS)), script.exited]);
    if (rng.chance(0.3)) {
      count.fills++;
      disk.fill(rng.chance(0.5) ? 0 : rng.int(256 * 1024));
      await Promise.race([sleep(rng.int(LIFE_MS)), script.exited]);
      if (rng.chance(0.7)) {
        disk.free();
        await Promise.race([sleep(rng.int(LIFE_MS)), script.exited]);
      }
    }
    const { signal, code } = await script.kill();
    disk.free();
    if (signal === "SIGKILL") count.kills++;
    else if (code !== 1) violations.push(`it ended with ${signal ?? code}`);
    const { output } = script;
    lastOutput = output;
    count.refused += output.match(/^refused /gm)?.length ?? 0;
    for (const line of output.match(/^wrong: .*/gm) ?? []) violations.push(line);
    epochs = lastOf(output, "E") ?? epochs;
    records = lastOf(output, "L") ?? records;
  }
  return { ...count, epochs, records, violations, lastOutput };
}

/** Of whole lines: the end may be torn. */
function lastOf(output: string, letter: string): number | undefined {
  const text = output.match(new RegExp(`^${letter} \\d+\\n`, "gm"))?.at(-1);
  return text === undefined ? undefined : Number(text.slice(letter.length));
}
