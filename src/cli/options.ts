import { assert } from "../base/assert.ts";
import { DURATION_EXAMPLES, parseDuration } from "../base/duration.ts";
import type { Io } from "./io.ts";
import { type OptionSpec, variableOf } from "./option-spec.ts";
import type { Settings } from "./settings-file.ts";
import { usage } from "./usage.ts";

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
    throw usage(`${found.origin} is ${value}; it takes true or false`);
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
    throw usage(`${found.origin} is ${text}; it takes a whole number from ${min} to ${max}`);
  }

  /** In milliseconds; more than none. */
  duration(name: string): number | undefined {
    const found = this.#find(name);
    if (found === undefined) return undefined;
    const [text = ""] = found.values;
    const ms = parseDuration(text);
    if (ms !== undefined && ms > 0) return ms;
    throw usage(`${found.origin} is ${text}; it takes a duration ${DURATION_EXAMPLES}`);
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
