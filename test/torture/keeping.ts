/**
 * The store and the topic log by themselves, on a disk that fills, in a process that is killed: many times a
 * second, where a whole node takes a second to start.
 */
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Script } from "../support/process.ts";
import { createRng, type Rng } from "../support/rng.ts";
import { limitDescriptors, NOFILE, openDescriptors } from "./descriptors.ts";
import type { Disk } from "./disk.ts";

export interface KeepingResult {
  readonly starts: number;
  readonly kills: number;
  readonly fills: number;
  /** Times it had no descriptors left. */
  readonly starvings: number;
  readonly epochs: number;
  readonly records: number;
  /** Times the disk refused: a commit, an append, an opening. */
  readonly refused: number;
  readonly violations: readonly string[];
  /** Of the last process. */
  readonly lastOutput: string;
}

const SCRIPT = new URL("./scripts/keep.js", import.meta.url);
const LIFE_MS = 500;

export async function keep(
  disk: Disk,
  options: { readonly seed: number; readonly seconds: number },
): Promise<KeepingResult> {
  const rng = createRng(options.seed);
  const violations: string[] = [];
  const count = { starts: 0, kills: 0, fills: 0, starvings: 0, refused: 0 };
  let epochs = 0;
  let records = 0;
  let lastOutput = "";
  const untilMs = performance.now() + options.seconds * 1000;
  while (performance.now() < untilMs && violations.length === 0) {
    const said = [options.seed, epochs, records].map(String);
    const script = new Script({ script: SCRIPT, args: [join(disk.path, "kept"), ...said] }, 0);
    await script.start();
    count.starts++;
    if (rng.chance(0.8)) await opening(script);
    await lives(script, rng);
    const opened = script.output.includes("opened");
    if (rng.chance(0.3)) {
      count.fills++;
      await livesWithoutDisk(script, disk, rng);
    } else if (opened && rng.chance(0.2)) {
      count.starvings++;
      await livesWithoutDescriptors(script, rng);
    }
    const { signal, code } = await script.kill();
    disk.free();
    if (signal === "SIGKILL") count.kills++;
    else if (code !== 1) violations.push(`it ended with ${signal ?? code}`);
    lastOutput = script.output;
    count.refused += lastOutput.match(/^refused /gm)?.length ?? 0;
    violations.push(...(lastOutput.match(/^wrong: .*/gm) ?? []));
    epochs = lastOf(lastOutput, "E") ?? epochs;
    records = lastOf(lastOutput, "L") ?? records;
  }
  return { ...count, epochs, records, violations, lastOutput };
}

/** Until it has opened what it keeps, or has ended. */
async function opening(script: Script): Promise<void> {
  await script.line(/^opened$/m, 60_000).catch(() => undefined);
}

/** For a while, or until it ends by itself. */
async function lives(script: Script, rng: Rng): Promise<void> {
  await Promise.race([sleep(50 + rng.int(LIFE_MS)), script.exited]);
}

async function livesWithoutDisk(script: Script, disk: Disk, rng: Rng): Promise<void> {
  disk.fill(rng.chance(0.5) ? 0 : rng.int(256 * 1024));
  await lives(script, rng);
  if (rng.chance(0.3)) return;
  disk.free();
  await lives(script, rng);
}

async function livesWithoutDescriptors(script: Script, rng: Rng): Promise<void> {
  limitDescriptors(script.pid, openDescriptors(script.pid) + rng.int(3));
  await lives(script, rng);
  if (rng.chance(0.3)) return;
  limitDescriptors(script.pid, NOFILE);
  await lives(script, rng);
}

/** Of whole lines: the end may be torn. */
function lastOf(output: string, letter: string): number | undefined {
  const text = output.match(new RegExp(`^${letter} \\d+\\n`, "gm"))?.at(-1);
  return text === undefined ? undefined : Number(text.slice(letter.length));
}
