/**
 * The states each function type has declared. A request carries all of them; a type that misses one says
 * so, is registered, and gets the same batch again. Stored, so that a restart costs no extra round trip.
 */
import { MAX_TYPE_LENGTH } from "../model/address.ts";
import type { StateSpec } from "../model/invocation.ts";
import { keyOf } from "../store/keys.ts";
import { encodeSpecs } from "../store/records/specs.ts";
import type { Epochs } from "./epochs.ts";

const MAX_NAME_LENGTH = 256;
/** Function types whose states are known: where an endpoint takes any name, there is no other end. */
const MAX_TYPES = 10_000;

const NONE: ReadonlyMap<string, StateSpec> = new Map();

export class Specs {
  readonly #epochs: Epochs;
  readonly #maxPerType: number;
  readonly #types = new Map<string, Map<string, StateSpec>>();

  constructor(epochs: Epochs, maxPerType: number) {
    this.#epochs = epochs;
    this.#maxPerType = maxPerType;
  }

  restore(type: string, specs: readonly StateSpec[]): void {
    this.#types.set(type, new Map(specs.map((spec) => [spec.name, spec])));
  }

  of(type: string): ReadonlyMap<string, StateSpec> {
    return this.#types.get(type) ?? NONE;
  }

  /**
   * Registers what a function says it misses.
   *
   * @param given the states it was called with: others of its type may have been called at the same time,
   *   and have told already
   * @returns why not, or undefined
   */
  register(
    type: string,
    missing: readonly StateSpec[],
    given: ReadonlyMap<string, StateSpec>,
  ): string | undefined {
    const known = this.of(type);
    const added = missing.filter((spec) => !known.has(spec.name));
    for (const spec of missing) {
      const before = known.get(spec.name);
      if (before !== undefined && before.typename !== spec.typename) {
        return `state ${spec.name} was of type ${before.typename} and is now declared ${spec.typename}`;
      }
    }
    const long = added.find((spec) => spec.name.length > MAX_NAME_LENGTH);
    if (long !== undefined) return `a state's name has more than ${MAX_NAME_LENGTH} characters`;
    if (added.some((spec) => spec.typename.length > MAX_TYPE_LENGTH)) {
      return `a state's type name has more than ${MAX_TYPE_LENGTH} characters`;
    }
    if (missing.every((spec) => given.has(spec.name))) {
      const names = missing.map((spec) => spec.name).join(", ") || "none by name";
      return `it keeps asking for states it was given (${names})`;
    }
    if (added.length === 0) return undefined;
    if (known.size + added.length > this.#maxPerType) {
      return `it declares more than ${this.#maxPerType} states`;
    }
    if (known.size === 0 && this.#types.size >= MAX_TYPES) {
      return `more than ${MAX_TYPES} function types declare states`;
    }
    const all = new Map(known);
    for (const spec of added) all.set(spec.name, spec);
    this.#types.set(type, all);
    this.#epochs.write(keyOf("specs", type), encodeSpecs(type, all.values()));
    return undefined;
  }
}
