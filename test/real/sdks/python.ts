import { startScript } from "../../support/process.ts";
import { pythonPackages } from "../../support/python-packages.ts";
import { PYTHON } from "../../support/toolchain.ts";
import type { Sdk } from "./check.ts";
import { source } from "./source.ts";

const FUNCTIONS = source("python/functions.py");
const REQUIREMENTS = source("python/requirements.txt");

/** The SDK and what it needs, as the requirements name them with their checksums. */
export const pythonSdk = (): Promise<string> => pythonPackages("sdk-python", REQUIREMENTS);

export const python: Sdk = {
  name: "official Python SDK",
  needs: [PYTHON],
  start: async (t, args) =>
    startScript(t, {
      ...{ program: "python3", script: FUNCTIONS, args, ready: /serving/ },
      ...{ env: { PYTHONPATH: await pythonSdk() }, readyTimeoutMs: 30_000 },
    }),
};
