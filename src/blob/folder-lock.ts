import { rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { Level } from "level";
import { describeError, StatefoldError } from "../base/errors.ts";

/**
 * One at a time, of all processes of a machine that use a folder: for the moment between looking at what is
 * there and putting something else in its place.
 *
 * The kernel arbitrates (fcntl, by LevelDB's file LOCK), so that the lock ends with its process however that
 * dies. Within a process, where opening LOCK a second time would even release it, TURNS does.
 */
export async function withFolderLock<T>(
  folder: string,
  signal: AbortSignal | undefined,
  work: () => Promise<T>,
): Promise<T> {
  const before = TURNS.get(folder) ?? Promise.resolve();
  const turn = before.then(() => locked(folder, signal, work));
  const end = turn.then(
    () => {},
    () => {},
  );
  TURNS.set(folder, end);
  try {
    return await turn;
  } finally {
    if (TURNS.get(folder) === end) TURNS.delete(folder);
  }
}

/** The end of the last turn at each folder. */
const TURNS = new Map<string, Promise<void>>();

/** For another process to end its turn, which is one rename. */
export const LOCK_WAIT_MS = 10_000;
const LOOK_EVERY_MS = 10;

async function locked<T>(
  folder: string,
  signal: AbortSignal | undefined,
  work: () => Promise<T>,
): Promise<T> {
  signal?.throwIfAborted();
  const deadlineMs = performance.now() + LOCK_WAIT_MS;
  let held = await tryLock(folder);
  while (held === undefined) {
    signal?.throwIfAborted();
    if (performance.now() > deadlineMs) throw busy(folder);
    await setTimeout(LOOK_EVERY_MS);
    held = await tryLock(folder);
  }
  try {
    return await work();
  } finally {
    await held.close();
  }
}

/** The folder of the lock is there. @returns undefined while another process has it */
async function tryLock(folder: string, isMended = false): Promise<Level | undefined> {
  const db = new Level(folder, { writeBufferSize: 64 * 1024, cacheSize: 0 });
  try {
    await db.open();
    return db;
  } catch (error) {
    const text = describeError(error);
    const isRefused = /Permission denied|Read-only|No locks available/.test(text);
    if (!isRefused && codeOfCause(error) === "LEVEL_LOCKED") return undefined;
    // Torn by a loss of power, for instance. Nothing is in it; but LOCK itself must stay, others may hold it.
    if (!isRefused && !isMended) {
      await rm(join(folder, "CURRENT"), { force: true });
      return await tryLock(folder, true);
    }
    const code = isRefused ? "BLOB_REFUSED" : "BLOB_UNAVAILABLE";
    throw new StatefoldError(code, `the lock ${folder} cannot be had`, { cause: error });
  }
}

function codeOfCause(error: unknown): unknown {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error && "code" in cause ? cause.code : undefined;
}

function busy(folder: string): StatefoldError {
  const text = `the lock ${folder} has been held by another process for ${LOCK_WAIT_MS} ms`;
  return new StatefoldError("BLOB_UNAVAILABLE", text);
}
