import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { madeOnce } from "../../support/made-once.ts";
import { startScript } from "../../support/process.ts";
import { GO } from "../../support/toolchain.ts";
import type { Sdk } from "./check.ts";
import { source } from "./source.ts";

/** The program, built. `go.sum` has the checksums of everything that is downloaded for it. */
async function program(): Promise<string> {
  const files = ["go/main.go", "go/go.mod", "go/go.sum"].map(source);
  const folder = await madeOnce("sdk-go", { files }, async (draft) => {
    const words = [
      "build",
      "-mod=readonly",
      "-buildvcs=false",
      "-o",
      join(draft, "functions"),
      ".",
    ];
    await promisify(execFile)("go", words, { cwd: source("go") });
  });
  return join(folder, "functions");
}

export const go: Sdk = {
  name: "official Go SDK",
  needs: [GO],
  start: async (t, args) =>
    startScript(t, {
      ...{ program: "env", script: await program(), args, ready: /serving/ },
    }),
};
