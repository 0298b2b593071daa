import { existsSync } from "node:fs";
import { env as environment } from "node:process";
import { variableOf } from "../../src/cli/option-spec.ts";
import { runCommand } from "../../src/cli/run.ts";

/** The settings file of the command line, looked for in the current folder. */
const FILE = "statefold.yaml";
const CONFIG = "STATEFOLD_CONFIG";
/** Each node is started with these on the command line, which wins. */
const GIVEN = new Set(["data", "port"]);

/** What reaches the nodes from outside, and changes what is measured: variables by their names, a file by its own. */
export function settingsOf(env: NodeJS.ProcessEnv = environment): Readonly<Record<string, string>> {
  const { options } = runCommand(() => Promise.reject(new Error("nothing is started here")));
  const settings = options.filter(({ name, setting }) => setting === true && !GIVEN.has(name));
  const found: Record<string, string> = {};
  for (const name of [...settings.map((each) => variableOf(each.name)), CONFIG]) {
    const value = env[name];
    if (value !== undefined && value !== "") found[name] = value;
  }
  if (found[CONFIG] === undefined && existsSync(FILE)) found[FILE] = "in this folder";
  return found;
}

/** A line of the heading; nothing when nothing is set. */
export function settingsLine(settings: Readonly<Record<string, string>>): string {
  const each = Object.entries(settings).map(([name, value]) => `${name}=${value}`);
  return each.length === 0 ? "" : `nodes are set otherwise by ${each.join(", ")}\n`;
}
