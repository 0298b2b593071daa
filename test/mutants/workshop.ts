import { execFile } from "node:child_process";
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { applyChange, changesOf, type Mutant } from "./mutant.ts";

const run = promisify(execFile);

/** What the simulation and the tests are compiled from and read. */
const COPIED = [
  "src",
  "test",
  "examples",
  "bench",
  "proto",
  "docs",
  "generated",
  "scripts",
] as const;

/** As strict as ours in what can break at run time; a bug may leave a name unused. */
const CONFIG = {
  extends: "./tsconfig.base.json",
  compilerOptions: {
    ...{ rootDir: ".", outDir: "dist", composite: false, declaration: false, sourceMap: false },
    ...{ incremental: true, tsBuildInfoFile: "dist/tsconfig.tsbuildinfo" },
    ...{ noUnusedLocals: false, noUnusedParameters: false },
  },
  include: ["src/**/*.ts", "test/**/*.ts", "bench/**/*.ts", "examples/**/*.ts"],
};

/** A scratch copy of the sources, in which one bug at a time is made and compiled. Nothing else is touched. */
export class Workshop {
  readonly dir: string;
  /** The sources that differ from the original now. */
  readonly #original = new Map<string, string>();

  private constructor(dir: string) {
    this.dir = dir;
  }

  /** @param root the checkout, ready and compiled */
  static async open(root: string): Promise<Workshop> {
    const dir = await mkdtemp(join(tmpdir(), "statefold-mutants-"));
    for (const folder of COPIED) {
      await cp(join(root, folder), join(dir, folder), { recursive: true });
    }
    for (const file of ["package.json", "tsconfig.base.json"]) {
      await cp(join(root, file), join(dir, file));
    }
    await symlink(join(root, "node_modules"), join(dir, "node_modules"));
    await writeFile(join(dir, "tsconfig.json"), JSON.stringify(CONFIG));
    return new Workshop(dir);
  }

  /**
   * Undoes the bug before, makes this one (none: the original), and compiles.
   * @throws Error when it does not apply or does not compile
   */
  async make(mutant: Mutant | undefined): Promise<void> {
    for (const [path, text] of this.#original) await writeFile(path, text);
    this.#original.clear();
    for (const change of mutant === undefined ? [] : changesOf(mutant)) {
      const path = join(this.dir, "src", change.file);
      const text = await readFile(path, "utf8");
      if (!this.#original.has(path)) this.#original.set(path, text);
      await writeFile(path, applyChange(text, change, mutant?.name ?? ""));
    }
    const tsc = join(this.dir, "node_modules/typescript/bin/tsc");
    try {
      await run(process.execPath, [tsc, "-p", this.dir], { cwd: this.dir });
    } catch (cause) {
      const found = cause instanceof Error && "stdout" in cause ? String(cause.stdout).trim() : "";
      throw new Error(`${mutant?.name ?? "the original"} does not compile:\n${found}`, { cause });
    }
  }

  async close(): Promise<void> {
    await rm(this.dir, { recursive: true, force: true });
  }
}
