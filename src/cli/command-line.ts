import { parseArgs } from "node:util";
import { didYouMean } from "../base/nearest.ts";
import type { OptionSpec } from "./option-spec.ts";
import { usage } from "./usage.ts";

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
      throw usage(`--${name} is there ${values.length} times; give it once`);
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
    throw usage(`there is no option ${rawName}${near}`);
  }
  if (spec.kind === "flag") {
    if (value !== undefined) {
      throw usage(`${rawName} takes no value; leave out =${value}`);
    }
    return [spec.name, String(spec.name === name)];
  }
  if (value === undefined) {
    throw usage(`${rawName} needs a value: ${rawName} ${spec.placeholder ?? "VALUE"}`);
  }
  return [spec.name, value];
}
