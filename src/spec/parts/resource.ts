import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { Cursor, Invalid } from "../reader/cursor.ts";
import type { Reader } from "../reader/reader.ts";
import { scalar } from "../reader/scalars.ts";

const FORMS = "relative to the module file, absolute, file:///… or classpath:…";

/** Two characters at least: `C:\` is a drive. */
const SCHEME = /^([a-z][a-z0-9+.-]+):/i;

/**
 * A file: relative to the module file, absolute, a `file:` URI, or `classpath:x`, which is looked for
 * beside the module file. Gives the absolute path.
 */
export function resource(what: string): Reader<string> {
  return scalar(`${what} (${FORMS})`, (written, at) => {
    if (written.trim() === "") return undefined;
    const path = absolutePath(written, at);
    if (typeof path !== "string") return path;
    const { fileExists } = at.session.options;
    if (fileExists !== undefined && !fileExists(path)) {
      return at.problem(`there is no such file: ${path}`);
    }
    return path;
  });
}

function absolutePath(written: string, at: Cursor): string | Invalid {
  const folder = dirname(resolve(at.place.file));
  const scheme = SCHEME.exec(written)?.[1]?.toLowerCase();
  if (scheme === "classpath") {
    return resolve(folder, written.slice("classpath:".length).replace(/^\/+/, ""));
  }
  if (scheme === "file") {
    try {
      return fileURLToPath(written);
    } catch {
      return at.problem("names no local file; such a URI reads file:///absolute/path");
    }
  }
  if (scheme !== undefined) {
    return at.problem(`${scheme}: resources are not read; a path is ${FORMS}`);
  }
  if (written.startsWith("~")) {
    const meaning = "as in StateFun, this is a name beside the module file";
    at.warning(`"~" does not stand for the home directory: ${meaning}; write the whole path`);
  }
  return resolve(folder, written);
}
