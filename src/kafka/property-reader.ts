import { StatefoldError } from "../base/errors.ts";
import { didYouMean } from "../base/nearest.ts";

/** Takes properties one by one, and knows in the end which nobody took. */
export class PropertyReader {
  readonly #properties: ReadonlyMap<string, string>;
  readonly #left: Set<string>;
  /** What was asked for, given or not. */
  readonly #known = new Set<string>();
  readonly #warnings: string[] = [];

  constructor(properties: ReadonlyMap<string, string>) {
    this.#properties = properties;
    this.#left = new Set(properties.keys());
  }

  text(name: string): string | undefined {
    this.#left.delete(name);
    this.#known.add(name);
    return this.#properties.get(name);
  }

  /** @throws StatefoldError CONFIG_INVALID unless it is a whole number within the bounds */
  number(
    name: string,
    fallback: number,
    { atLeast, atMost = 2_147_483_647 }: { readonly atLeast: number; readonly atMost?: number },
  ): number {
    const text = this.text(name);
    if (text === undefined) return fallback;
    const value = /^-?\d{1,15}$/.test(text.trim()) ? Number(text) : Number.NaN;
    if (value >= atLeast && value <= atMost) return value;
    throw this.wrong(name, `a whole number from ${atLeast} to ${atMost}`);
  }

  /** Whatever its case. */
  oneOf<T extends string>(name: string, allowed: readonly T[], fallback: T): T {
    const text = this.text(name);
    if (text === undefined) return fallback;
    const found = allowed.find((one) => one.toLowerCase() === text.trim().toLowerCase());
    if (found === undefined) throw this.wrong(name, `one of ${allowed.join(", ")}`);
    return found;
  }

  /** If it is given, it has no effect. */
  ignore(name: string, why: string): void {
    if (this.text(name) !== undefined) this.warn(name, why);
  }

  warn(name: string, why: string): void {
    this.#warnings.push(`the property ${name} has no effect: ${why}`);
  }

  wrong(name: string, right: string): StatefoldError {
    // Passwords and tokens stand in some of them.
    const shown = SECRET.test(name) ? "" : `, not ${JSON.stringify(this.#properties.get(name))}`;
    return new StatefoldError("CONFIG_INVALID", `the property ${name} must be ${right}${shown}`);
  }

  /** The warnings, with one for each property that nobody knows. */
  finish(): readonly string[] {
    for (const name of this.#left) {
      this.warn(name, `it has no counterpart here${didYouMean(name, this.#known)}`);
    }
    this.#left.clear();
    return this.#warnings;
  }
}

const SECRET = /password|jaas|\.key$/;
