import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { atEnd, type Scope } from "./cleanup.ts";

/** A new empty folder, removed with all it holds when the test is over. */
export function tempDir(t: Scope): string {
  const path = mkdtempSync(join(tmpdir(), "statefold-"));
  atEnd(t, () => rmSync(path, { recursive: true, force: true, maxRetries: 3 }));
  return path;
}
