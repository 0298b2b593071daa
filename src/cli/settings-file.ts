import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describeError, StatefoldError } from "../base/errors.ts";
import { didYouMean } from "../base/nearest.ts";
import type { Io } from "./io.ts";
import type { OptionSpec } from "./option-spec.ts";

/** statefold.yaml: options by their names, so that nobody has to type them. */
export interface Settings {
  readonly file: string;
  readonly values: ReadonlyMap<string, readonly string[]>;
}

const FILE_NAME = "statefold.yaml";

/**
 * Reads the settings: from the file that is named, else from statefold.yaml in the directory when there is
 * one. `specs` are the options of all commands, since one file serves them all.
 *
 * @throws CONFIG_INVALID that names file and key, and what would be right
 */
export async function readSettings(
  named: string | undefined,
  io: Io,
  specs: readonly OptionSpec[],
): Promise<Settings> {
  const settings = specs.filter((each) => each.setting === true);
  const file = named ?? FILE_NAME;
  const text = readText(resolve(io.directory, file), file, named !== undefined);
  if (text === undefined) return { file, values: new Map() };
  const values = new Map<string, readonly string[]>();
  for (const [name, value] of Object.entries(await parseMapping(file, text))) {
    const spec = settings.find((each) => each.name === name);
    if (spec === undefined) {
      const names = [...new Set(settings.map((each) => each.name))];
      const known = didYouMean(name, names) || `; there are ${names.join(", ")}`;
      throw new StatefoldError("CONFIG_INVALID", `${file}: there is no setting ${name}${known}`);
    }
    values.set(name, valuesOf(file, spec, value));
  }
  return { file, values };
}

function readText(path: string, file: string, isNamed: boolean): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (!isNamed && (error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new StatefoldError("CONFIG_INVALID", `${file} cannot be read: ${describeError(error)}`);
  }
}

async function parseMapping(file: string, text: string): Promise<object> {
  const { parse } = await import("yaml");
  let document: unknown;
  try {
    document = parse(text);
  } catch (error) {
    throw new StatefoldError("CONFIG_INVALID", `${file} is no YAML: ${describeError(error)}`);
  }
  if (document === null) return {};
  if (typeof document !== "object" || Array.isArray(document)) {
    throw new StatefoldError("CONFIG_INVALID", `${file} holds no settings like "port: 8080"`);
  }
  return document;
}

/** A list is written as a list, or as a mapping of names to values. */
function valuesOf(file: string, spec: OptionSpec, value: unknown): readonly string[] {
  const isScalar = (each: unknown) => ["string", "number", "boolean"].includes(typeof each);
  if (spec.kind === "list" && typeof value === "object" && value !== null) {
    const entries = Array.isArray(value)
      ? (value as unknown[]).map((each) => [undefined, each] as const)
      : Object.entries(value).map(([name, each]) => [name, each as unknown] as const);
    if (entries.every(([, each]) => isScalar(each))) {
      return entries.map(([name, each]) => (name === undefined ? "" : `${name}=`) + String(each));
    }
  }
  if (isScalar(value)) return [String(value)];
  const wanted = spec.kind === "list" ? "a list, or names with values" : "one value";
  throw new StatefoldError("CONFIG_INVALID", `${file}: ${spec.name} takes ${wanted}`);
}
