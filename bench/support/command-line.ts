import { accessSync, constants, existsSync, readFileSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { parseArgs } from "node:util";
import { nearest } from "../../src/base/nearest.ts";
import type { BenchOptions } from "./options.ts";

/** What `--only` may name of a benchmark. */
export interface Only {
  /** Whole numbers from 1, of these: "connections". */
  readonly numbers?: string;
  readonly words?: readonly string[];
}

/** The benchmarks there are, and what `--only` means to each; undefined: nothing. */
export type OnlyOf = Readonly<Record<string, Only | undefined>>;

/** What is asked for; all of it has been looked at. */
export type CommandLine =
  | { readonly kind: "help" }
  /** In a line, with what would be right. */
  | { readonly kind: "wrong"; readonly message: string }
  /** `results`: what `--json` has written, from JSON. */
  | { readonly kind: "draw"; readonly results: unknown; readonly picture: string }
  | {
      readonly kind: "measure";
      readonly names: readonly string[];
      readonly options: BenchOptions;
      readonly json: string | undefined;
      readonly picture: string | undefined;
    };

/** The one that is drawn. */
export const DRAWN = "call";

const OPTIONS = {
  rounds: { type: "string", default: "3" },
  seconds: { type: "string", default: "2" },
  scale: { type: "string", default: "1" },
  only: { type: "string", multiple: true, default: [] as string[] },
  profile: { type: "boolean", default: false },
  json: { type: "string" },
  picture: { type: "string" },
  from: { type: "string" },
  help: { type: "boolean", short: "h", default: false },
} as const;
const SHORT = new Map([["h", "help"]]);

class Wrong extends Error {}

/** Nothing runs and nothing is written by it. */
export function readCommandLine(args: readonly string[], onlyOf: OnlyOf): CommandLine {
  try {
    return read(args, onlyOf);
  } catch (error) {
    if (!(error instanceof Wrong)) throw error;
    return { kind: "wrong", message: error.message };
  }
}

function read(args: readonly string[], onlyOf: OnlyOf): CommandLine {
  checkOptions(args);
  const config = { args: [...args], allowPositionals: true, options: OPTIONS } as const;
  const { values, positionals } = parseArgs(config);
  if (values.help) return { kind: "help" };
  if (values.from !== undefined) return drawing(values.from, values.picture, positionals);
  const benchmarks = Object.keys(onlyOf);
  for (const name of positionals) {
    if (Object.hasOwn(onlyOf, name)) continue;
    throw new Wrong(`there is no benchmark ${name}${insteadOf(name, benchmarks)}`);
  }
  const names = positionals.length === 0 ? benchmarks : [...new Set(positionals)];
  const options = {
    rounds: numberOf("rounds", values.rounds, true),
    seconds: numberOf("seconds", values.seconds, false),
    scale: numberOf("scale", values.scale, false),
    profile: values.profile,
    only: [...new Set(values.only)],
  };
  for (const name of names) checkOnly(name, options.only, onlyOf);
  if (values.picture !== undefined && !names.includes(DRAWN)) {
    throw new Wrong(`--picture draws ${DRAWN}, which is not among what is measured: name it too`);
  }
  for (const option of ["json", "picture"] as const) checkFile(option, values[option]);
  return { kind: "measure", names, options, json: values.json, picture: values.picture };
}

/** parseArgs would say as much, in words of its own and with a stack. */
function checkOptions(args: readonly string[]): void {
  const config = { args: [...args], options: OPTIONS, strict: false, tokens: true } as const;
  for (const token of parseArgs(config).tokens) {
    if (token.kind !== "option") continue;
    const { rawName, value, inlineValue = false } = token;
    const name = SHORT.get(token.name) ?? token.name;
    const known = Object.keys(OPTIONS).map((each) => `--${each}`);
    if (!Object.hasOwn(OPTIONS, name)) {
      throw new Wrong(`there is no option ${rawName}${insteadOf(rawName, known)}`);
    }
    const { type } = OPTIONS[name as keyof typeof OPTIONS];
    if (type === "boolean" && value !== undefined) {
      throw new Wrong(`${rawName} takes no value, and has ${value}`);
    }
    if (type === "string" && (!value || (!inlineValue && value.startsWith("-")))) {
      throw new Wrong(`${rawName} needs a value: ${rawName} ${EXAMPLES[name] ?? "FILE"}`);
    }
  }
}

/** The tail of a message. */
function insteadOf(word: string, known: readonly string[]): string {
  const close = nearest(word, known);
  const hint = close === undefined ? "." : `; did you mean ${close}?`;
  return `${hint} There are ${known.join(", ")}`;
}

const EXAMPLES: Readonly<Record<string, string>> = {
  ...{ rounds: "3", seconds: "2", scale: "1", only: "256" },
};

function numberOf(name: "rounds" | "seconds" | "scale", text: string, isWhole: boolean): number {
  const found = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  if (found > 0 && (!isWhole || Number.isSafeInteger(found))) return found;
  const right = isWhole ? "a whole number from 1" : "a number above 0";
  throw new Wrong(`--${name} is ${text}; it takes ${right}, such as ${OPTIONS[name].default}`);
}

function checkOnly(name: string, only: readonly string[], onlyOf: OnlyOf): void {
  if (only.length === 0) return;
  const rule = onlyOf[name];
  if (rule === undefined) {
    const those = Object.keys(onlyOf).filter((each) => onlyOf[each] !== undefined);
    throw new Wrong(`--only means nothing to ${name}; name the benchmarks: ${those.join(", ")}`);
  }
  const { numbers, words = [] } = rule;
  for (const each of only) {
    const isNumber = /^[1-9]\d*$/.test(each) && Number.isSafeInteger(Number(each));
    if (words.includes(each) || (numbers !== undefined && isNumber)) continue;
    const right = [
      ...(numbers === undefined ? [] : [`a number of ${numbers}, from 1`]),
      ...(words.length === 0 ? [] : [words.join(", ")]),
    ];
    throw new Wrong(`--only ${each} means nothing to ${name}; it takes ${right.join(", or ")}`);
  }
}

/** Before anything is measured that could not be written then. */
function checkFile(option: "json" | "picture", file: string | undefined): void {
  if (file === undefined) return;
  const folder = dirname(file);
  if (!existsSync(folder)) throw new Wrong(`--${option} ${file}: there is no folder ${folder}`);
  const isThere = existsSync(file);
  if (isThere && statSync(file).isDirectory()) {
    throw new Wrong(`--${option} ${file} is a folder; it takes a file`);
  }
  try {
    accessSync(isThere ? file : folder, constants.W_OK);
  } catch {
    throw new Wrong(`--${option} ${file} cannot be written by this user`);
  }
}

function drawing(
  from: string,
  picture: string | undefined,
  positionals: readonly string[],
): CommandLine {
  if (picture === undefined) {
    throw new Wrong("--from draws what --json has written, and needs --picture FILE");
  }
  if (positionals.length > 0) {
    throw new Wrong(`--from measures nothing: leave out ${positionals.join(" ")}`);
  }
  checkFile("picture", picture);
  let text: string;
  try {
    text = readFileSync(from, "utf8");
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") throw new Wrong(`--from ${from}: there is no such file`);
    throw new Wrong(`--from ${from} cannot be read: ${code ?? message}`);
  }
  try {
    const results: unknown = JSON.parse(text);
    if (holdsDrawn(results)) return { kind: "draw", results, picture };
  } catch {
    // what it is not is said below
  }
  throw new Wrong(`--from ${from} is not what --json has written of ${DRAWN}`);
}

function holdsDrawn(results: unknown): boolean {
  const { benchmarks } = (results ?? {}) as { benchmarks?: Record<string, { tables?: unknown[] }> };
  const rows = benchmarks?.[DRAWN]?.tables?.[0];
  return Array.isArray(rows) && rows.length > 0;
}
