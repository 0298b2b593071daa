import { parseArgs } from "node:util";
import { assert } from "../base/assert.ts";
import { StatefoldError } from "../base/errors.ts";
import { didYouMean } from "../spec/nearest.ts";
import type { Io } from "./io.ts";
import type { Settings } from "./settings-file.ts";

/**
 * The options of a command. One that is a `setting` also comes from the environment, as `STATEFOLD_` and
 * its name in capitals, and from statefold.yaml; the command line wins over the environment, that over the
 * file, and that over the default.
 */
export interface OptionSpec {
  /** As it is typed after the two dashes. */
  readonly name: string;
  /** A flag has no value; a list may be given several times. */
  readonly kind: "text" | "flag" | "list";
  /** Stands for the value in help: "URL". */
  readonly placeholder?: string;
  readonly description: string;
  readonly fallback?: string;
  readonly setting?: boolean;
}

export interface CommandLine {
  /** Values by option name; "true" and "false" for flags. */
  readonly given: ReadonlyMap<string, readonly string[]>;
  readonly args: readonly string[];
}

/**
 * Takes the command line apart.
 *
 * @throws USAGE for an unknown option, with one that is near, and for a value that is missing or too much
 */
export function parseCommandLine(
  args: readonly string[],
  specs: readonly OptionSpec[],
): CommandLine {
  const { tokens } = parseArgs({
    args: [...args],
    options: Object.fromEntries(
      specs.map((spec) => [spec.name, { type: spec.kind === "flag" ? "boolean" : "string" }]),
    ),
    strict: false,
    tokens: true,
  });
  const given = new Map<string, string[]>();
  const rest: string[] = [];
  const numbers = new Set<number>();
  for (const token of tokens) {
    if (token.kind === "positional") rest.push(token.value);
    if (token.kind !== "option") continue;
    // -5 is a value: no option begins with a digit. parseArgs makes an option of each of its characters.
    const whole = args[token.index] ?? "";
    if (/^-[\d.]/.test(whole)) {
      if (!numbers.has(token.index)) rest.push(whole);
      numbers.add(token.index);
      continue;
    }
    const [name, value] = checkToken(token.name, token.rawName, token.value, specs);
    given.set(name, [...(given.get(name) ?? []), value]);
  }
  for (const [name, values] of given) {
    const isList = specs.some((spec) => spec.name === name && spec.kind === "list");
    if (values.length > 1 && !isList) {
      throw new StatefoldError("USAGE", `--${name} is there ${values.length} times; give it once`);
    }
  }
  return { given, args: rest };
}

function checkToken(
  name: string,
  rawName: string,
  value: string | undefined,
  specs: readonly OptionSpec[],
): [string, string] {
  const negated = name.startsWith("no-") ? name.slice(3) : undefined;
  const spec = specs.find((each) => each.name === name || each.name === negated);
  if (spec === undefined || (spec.name === negated && spec.kind !== "flag")) {
    const near = didYouMean(
      rawName,
      specs.map((each) => `--${each.name}`),
    );
    throw new StatefoldError("USAGE", `there is no option ${rawName}${near}`);
  }
  if (spec.kind === "flag") {
    if (value !== undefined) {
      throw new StatefoldError("USAGE", `${rawName} takes no value; leave out =${value}`);
    }
    return [spec.name, String(spec.name === name)];
  }
  if (value === undefined) {
    throw new StatefoldError("USAGE", `${rawName} needs a value: ${rawName} ${spec.placeholder ?? "VALUE"}`);
  }
  return [spec.name, value];
}

/** The name of a setting in the environment. */
export function variableOf(name: string): string {
  return `STATEFOLD_${name.toUpperCase().replaceAll("-", "_")}`;
}

/** A Kubernetes service called "statefold" puts such an address into STATEFOLD_PORT of every container. */
const SERVICE_ADDRESS = /^(tcp|udp|sctp):\/\//;

/** What a command asks for its options, each from the first place that has it. */
export class Options {
  readonly #specs: readonly OptionSpec[];
  readonly #given: ReadonlyMap<string, readonly string[]>;
  readonly #env: Io["env"];
  readonly #settings: Settings;

  constructor(
    specs: readonly OptionSpec[],
    given: ReadonlyMap<string, readonly string[]>,
    env: Io["env"],
    settings: Settings,
  ) {
    this.#specs = specs;
    this.#given = given;
    this.#env = env;
    this.#settings = settings;
  }

  text(name: string): string | undefined {
    return this.#find(name)?.values[0];
  }

  flag(name: string): boolean {
    const found = this.#find(name);
    if (found === undefined) return false;
    const [value = ""] = found.values;
    if (/^(true|1|yes|on)$/i.test(value)) return true;
    if (/^(false|0|no|off|)$/i.test(value)) return false;
    throw new StatefoldError("USAGE", `${found.origin} is ${value}; it takes true or false`);
  }

  list(name: string): readonly string[] {
    return this.#find(name)?.values ?? [];
  }

  /** A whole number. */
  count(name: string, min: number, max: number): number | undefined {
    const found = this.#find(name);
    if (found === undefined) return undefined;
    const [text = ""] = found.values;
    const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= min && value <= max) return value;
    throw new StatefoldError(
      "USAGE",
      `${found.origin} is ${text}; it takes a whole number from ${min} to ${max}`,
    );
  }

  #find(name: string): { readonly values: readonly string[]; readonly origin: string } | undefined {
    const spec = this.#specs.find((each) => each.name === name);
    assert(spec !== undefined, `the command does not declare --${name}`);
    const given = this.#given.get(name);
    if (given !== undefined) return { values: given, origin: `--${name}` };
    if (spec.setting === true) {
      const variable = variableOf(name);
      const value = spec.kind === "list" ? undefined : this.#env[variable];
      if (value !== undefined && value !== "" && !SERVICE_ADDRESS.test(value)) {
        return { values: [value], origin: variable };
      }
      const set = this.#settings.values.get(name);
      if (set !== undefined) return { values: set, origin: `${this.#settings.file}: ${name}` };
    }
    return spec.fallback === undefined
      ? undefined
      : { values: [spec.fallback], origin: `the default of --${name}` };
  }
}
