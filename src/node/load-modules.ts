/** From module files to one module, with everything that is wrong said at once. */
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { describeError, StatefoldError } from "../base/errors.ts";
import { embedKafka } from "../spec/embed-kafka.ts";
import { loadModule } from "../spec/load-module.ts";
import type { Module, Place } from "../spec/module.ts";
import { formatProblem } from "../spec/problem.ts";
import type { Logger } from "../telemetry/logger.ts";

export interface ModuleFiles {
  readonly modules: readonly string[];
  readonly variables: ReadonlyMap<string, string>;
  readonly embedded: boolean;
  /** Undefined: none are kept. */
  readonly snapshots?: object | undefined;
}

/** @throws StatefoldError MODULE_INVALID with one line for each mistake, MODULE_UNSUPPORTED, CONFIG_INVALID */
export async function loadModules(files: ModuleFiles, logger: Logger): Promise<Module> {
  const sources = await Promise.all(
    files.modules.map(async (path) => ({ file: resolve(path), text: await read(path) })),
  );
  const loaded = loadModule(sources, {
    variables: (name) => files.variables.get(name),
    fileExists: existsSync,
  });
  for (const warning of loaded.warnings) logger.warn(formatProblem(warning));
  if (loaded.module === undefined) {
    throw new StatefoldError("MODULE_INVALID", loaded.problems.map(formatProblem).join("\n"));
  }
  const module = files.embedded ? embedKafka(loaded.module) : loaded.module;
  refuseUnsupported(module);
  if (files.snapshots === undefined) refuseHeld(module);
  return module;
}

async function read(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    const message = `the module ${path} cannot be read: ${describeError(cause)}`;
    throw new StatefoldError("MODULE_INVALID", message, { cause });
  }
}

/** What is understood, but not yet run: named, all at once, with what can be done instead. */
function refuseUnsupported(module: Module): void {
  const refused: string[] = [];
  const refuse = (place: Place, what: string, instead: string) => {
    refused.push(
      `${place.file}:${place.line}:${place.column} ${what} cannot be run yet; ${instead}`,
    );
  };
  for (const { kind, place, id } of [...module.ingresses, ...module.egresses]) {
    if (kind === "kinesis") refuse(place, `Kinesis (${id})`, "leave it out");
  }
  if (refused.length > 0) throw new StatefoldError("MODULE_UNSUPPORTED", refused.join("\n"));
}

/** What waits for a snapshot would never leave. */
function refuseHeld(module: Module): void {
  for (const egress of module.egresses) {
    if ((egress.kind !== "log" && egress.kind !== "kafka") || egress.release === "commit") continue;
    const { file, line, column } = egress.place;
    const where = `${file}:${line}:${column} ${egress.id}`;
    const text = `${where}: with release: snapshot its records wait for snapshots, and none are kept; add --snapshots URL, or take release: commit`;
    throw new StatefoldError("CONFIG_INVALID", text);
  }
}
