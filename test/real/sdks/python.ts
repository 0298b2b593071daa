import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { madeOnce } from "../../support/made-once.ts";
import { startScript } from "../../support/process.ts";
import { PYTHON } from "../../support/toolchain.ts";
import type { Sdk } from "./check.ts";
import { source } from "./source.ts";

const FUNCTIONS = source("python/functions.py");
const REQUIREMENTS = source("python/requirements.txt");

/** The SDK and what it needs, as the requirements name them with their checksums. */
async function packages(): Promise<string> {
  return madeOnce("sdk-python", { files: [REQUIREMENTS] }, async (folder) => {
    const words = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"];
    const exact = ["--no-deps", "--only-binary=:all:", "--require-hashes", "-r", REQUIREMENTS];
    await promisify(execFile)("python3", [...words, ...exact, "--target", folder]);
  });
}

export const python: Sdk = {
  name: "official Python SDK",
  needs: [PYTHON],
  start: async (t, args) =>
    startScript(t, {
      ...{ program: "python3", script: FUNCTIONS, args, ready: /serving/ },
      ...{ env: { PYTHONPATH: await packages() }, readyTimeoutMs: 30_000 },
    }),
};
