/**
 * Tables that are compared ahead: on threads of their own, from the first moment of a process on, while it loads its
 * code and reads its module.
 *
 * Owns which tables were found to be as they were written. Judges no damage: what is not found to be right, for
 * whatever reason, is compared again by whoever opens the database (level-files.ts), and refused there.
 *
 * Nobody holds the directory yet, so another process may still be at work in it. But a table is never changed once it
 * is written; it is the one that was compared if the manifest that counts says the same of it, and its file is the
 * same, as long, and of the same times. A database is taken at its word once: opened anew, all of it is compared.
 */
import { existsSync, readdirSync, statSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join, resolve } from "node:path";
import { Worker } from "node:worker_threads";
import { systemCode } from "../base/system-error.ts";
import { PARTITIONS } from "./description.ts";

/** A thread takes 0.1 s of processor time to begin; tables of fewer bytes, all together, hardly more to be compared. */
const LEAST_BYTES = 256 * 1024 * 1024;
/** At most; one processor is left for what the process does meanwhile. */
const MAX_THREADS = 4;

/** What a thread is to do: of each database, every `of`-th table, from the `part`-th on. */
export interface ThreadTask {
  readonly dirs: readonly string[];
  readonly part: number;
  readonly of: number;
}

/** What it says, once for each database: the tables that are right, as {@link nameTable} calls them. */
export interface ThreadWord {
  readonly dir: string;
  readonly right: readonly string[];
}

export class TablesAhead {
  readonly #workers: readonly Worker[];
  /** By database. */
  readonly #found = new Map<string, Promise<ReadonlySet<string>>>();

  private constructor(dirs: readonly string[], threads: number) {
    this.#workers = Array.from({ length: threads }, (_, part) => {
      const task: ThreadTask = { dirs, part, of: threads };
      return new Worker(new URL("./tables-thread.js", import.meta.url), { workerData: task });
    });
    const heard = this.#workers.map((worker) => hear(worker, dirs));
    for (const [i, dir] of dirs.entries()) {
      this.#found.set(dir, gather(heard.flatMap((parts) => parts[i] ?? [])));
    }
  }

  /**
   * Those of a data directory; undefined when it is not worth a thread, or there is none.
   *
   * @param leastBytes of tables that are worth one
   */
  static begin(dataDir: string, leastBytes = LEAST_BYTES): TablesAhead | undefined {
    const path = join(resolve(dataDir), PARTITIONS);
    const names = existsSync(path) ? readdirSync(path).filter((name) => /^\d+$/.test(name)) : [];
    // In the order in which they are opened.
    const dirs = names.sort((a, b) => Number(a) - Number(b)).map((name) => join(path, name));
    const bytes = dirs.reduce((sum, dir) => sum + bytesOfTables(dir), 0);
    if (bytes < leastBytes) return undefined;
    return new TablesAhead(dirs, Math.min(Math.max(1, availableParallelism() - 1), MAX_THREADS));
  }

  /** The tables of a database that are right, when all are compared: once, and none from then on. Never rejects. */
  async take(dir: string): Promise<ReadonlySet<string>> {
    const found = this.#found.get(dir);
    this.#found.delete(dir);
    return (await found) ?? NONE;
  }

  /** Ends it, wherever it is. Idempotent. */
  async stop(): Promise<void> {
    this.#found.clear();
    await Promise.all(this.#workers.map((worker) => worker.terminate()));
  }
}

const NONE: ReadonlySet<string> = new Set();

/** What one thread says of each database; of those that it did not come to before it ended, nothing. */
function hear(worker: Worker, dirs: readonly string[]): readonly Promise<readonly string[]>[] {
  const answers = new Map<string, (right: readonly string[]) => void>();
  const heard = dirs.map((dir) => {
    return new Promise<readonly string[]>((resolve) => answers.set(dir, resolve));
  });
  const end = (): void => {
    for (const answer of answers.values()) answer([]);
  };
  worker.on("message", ({ dir, right }: ThreadWord) => answers.get(dir)?.(right));
  worker.on("error", end);
  worker.on("exit", end);
  return heard;
}

async function gather(parts: readonly Promise<readonly string[]>[]): Promise<ReadonlySet<string>> {
  return new Set((await Promise.all(parts)).flat());
}

function bytesOfTables(dir: string): number {
  try {
    const names = readdirSync(dir).filter((name) => name.endsWith(".ldb"));
    return names.reduce((sum, name) => sum + statSync(join(dir, name)).size, 0);
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
    return 0; // whoever opens it will say what is wrong
  }
}
