import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { madeOnce } from "./made-once.ts";

/**
 * A folder for PYTHONPATH with what a file of requirements names, with its checksums. It is fetched the first
 * time, and kept.
 */
export async function pythonPackages(name: string, requirements: string): Promise<string> {
  return madeOnce(name, { files: [requirements] }, async (folder) => {
    const words = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"];
    const exact = ["--no-deps", "--only-binary=:all:", "--require-hashes", "-r", requirements];
    await promisify(execFile)("python3", [...words, ...exact, "--target", folder]);
  });
}
