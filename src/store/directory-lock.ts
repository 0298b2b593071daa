import { access, mkdtemp, readFile, realpath, rm, symlink } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { Level } from "level";
import { describeError, StatefoldError } from "../base/errors.ts";
import { writeFileAtomically } from "./atomic-file.ts";
import { classifyLevelError } from "./level-errors.ts";

/**
 * One process at a time.
 *
 * The arbiter is the kernel: LevelDB holds a lock (fcntl) on its file LOCK, which ends with the process
 * however it dies, so that nothing stale can stay behind, no process id is compared with anything, and
 * two containers of one machine exclude each other although both are process 1. So `lock/` is an empty
 * LevelDB, opened for as long as the directory is ours; `lock/holder.json` only says who that is.
 *
 * Whatever is damaged in it is thrown away and made anew, except LOCK itself: the lock belongs to that
 * file and would not exclude the holder of one that was removed.
 *
 * Within one process the kernel does not help (opening LOCK a second time even releases it), so
 * HELD does.
 */
const HELD = new Set<string>();

export interface Holder {
  readonly pid: number;
  readonly host: string;
  /** What the process is called: its command line, as far as it helps to find it. */
  readonly command: string;
  readonly sinceMs: number;
}

export interface DirectoryLock {
  /** Idempotent. */
  release(): Promise<void>;
}

/**
 * @param folder the folder `lock`, whose parent exists
 * @throws StatefoldError STORE_LOCKED naming the holder
 */
export async function lockDirectory(folder: string, holder: Holder): Promise<DirectoryLock> {
  const name = join(await realpath(join(folder, "..")), "lock");
  if (HELD.has(name)) throw locked(folder, "this process itself");
  HELD.add(name);
  try {
    const db = await openLock(folder);
    try {
      await writeFileAtomically(join(folder, HOLDER), JSON.stringify(holder));
    } catch (error) {
      await db.close();
      throw error;
    }
    let released: Promise<void> | undefined;
    const release = async (): Promise<void> => {
      await rm(join(folder, HOLDER), { force: true });
      await db.close();
      HELD.delete(name);
    };
    return {
      release: () => {
        released ??= release();
        return released;
      },
    };
  } catch (error) {
    HELD.delete(name);
    throw error;
  }
}

/**
 * Holds the directory without changing a byte in it: LOCK is opened through a link, by a LevelDB that lies
 * elsewhere. Whoever wants it meanwhile is refused, by "a process that has not said its name yet".
 *
 * @param folder the folder `lock`
 * @returns undefined when there is nothing to hold: no LOCK, or a file system that nobody can write to
 * @throws StatefoldError STORE_LOCKED naming the holder, CONFIG_INVALID
 */
export async function borrowLock(folder: string): Promise<DirectoryLock | undefined> {
  const file = join(folder, "LOCK");
  if (!(await isThere(file))) return undefined;
  const name = await realpath(folder);
  if (HELD.has(name)) throw held(folder, "this process itself");
  HELD.add(name);
  const elsewhere = await mkdtemp(join(tmpdir(), "statefold-lock-"));
  const release = async (): Promise<void> => {
    await rm(elsewhere, { recursive: true, force: true });
    HELD.delete(name);
  };
  try {
    await symlink(await realpath(file), join(elsewhere, "LOCK"));
    const db = await tryLock(elsewhere);
    return { release: () => db.close().then(release) };
  } catch (error) {
    await release();
    const reason = classifyLevelError(error, folder, "open");
    if (!(reason instanceof StatefoldError)) throw reason;
    if (reason.code === "STORE_LOCKED") throw held(folder, await nameOfHolder(folder));
    if (describeError(error).includes("Read-only file system")) return undefined;
    throw reason;
  }
}

async function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

const HOLDER = "holder.json";

async function tryLock(folder: string): Promise<Level> {
  const db = new Level(folder, { writeBufferSize: 64 * 1024, cacheSize: 0 });
  await db.open();
  return db;
}

async function openLock(folder: string): Promise<Level> {
  try {
    return await tryLock(folder);
  } catch (error) {
    const reason = classifyLevelError(error, folder, "open");
    if (!(reason instanceof StatefoldError)) throw reason;
    if (reason.code === "STORE_LOCKED") throw locked(folder, await nameOfHolder(folder));
    if (reason.code !== "STORE_CORRUPT") throw reason;
  }
  await rm(join(folder, "CURRENT"), { force: true }); // without it the rest is not looked at
  try {
    return await tryLock(folder);
  } catch (error) {
    const reason = classifyLevelError(error, folder, "open");
    if (!(reason instanceof StatefoldError) || reason.code !== "STORE_LOCKED") throw reason;
    throw locked(folder, await nameOfHolder(folder));
  }
}

async function nameOfHolder(folder: string): Promise<string> {
  const unnamed = "a process that has not said its name yet";
  let holder: Partial<Holder>;
  try {
    holder = JSON.parse(await readFile(join(folder, HOLDER), "utf8"));
  } catch {
    return unnamed;
  }
  const { pid, host, command, sinceMs } = holder;
  if (pid === undefined || sinceMs === undefined) return unnamed;
  // The file of a killed holder, while the new one, on its way up, has not written its own.
  if (host === hostname() && !isAlive(pid)) return unnamed;
  return `process ${pid} on ${host} (${command}), since ${new Date(sinceMs).toISOString()}`;
}

/** A signal 0 to a process of another user is refused, but says that it is there. */
function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}

/** For one who wants it as its own. */
const locked = (folder: string, holder: string): StatefoldError =>
  inUse(folder, holder, "Stop it first, or choose another --data");

/** For one who wants to look at it as it lies there. */
const held = (folder: string, holder: string): StatefoldError =>
  inUse(folder, holder, "Stop it first; a node that runs tells about itself: statefold status");

// LevelDB's own words, that a resource is unavailable for the moment, would only invite to try again.
function inUse(folder: string, holder: string, advice: string): StatefoldError {
  const text = `the data directory ${join(folder, "..")} is in use by ${holder}. ${advice}`;
  return new StatefoldError("STORE_LOCKED", text);
}
