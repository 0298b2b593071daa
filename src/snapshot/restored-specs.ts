import type { StateSpec } from "../model/invocation.ts";
import { keyOf } from "../store/keys.ts";
import { encodeSpecs } from "../store/records/specs.ts";
import type { RestoredStore } from "./restored-store.ts";

/** The states that function types have declared: to one partition or another, and from now on to all. */
export class RestoredSpecs {
  readonly #stores: readonly RestoredStore[];
  readonly #types = new Map<string, Map<string, StateSpec>>();

  constructor(stores: readonly RestoredStore[]) {
    this.#stores = stores;
  }

  add({ type, specs }: { readonly type: string; readonly specs: readonly StateSpec[] }): void {
    const known = this.#types.get(type) ?? new Map<string, StateSpec>();
    this.#types.set(type, known);
    for (const spec of specs) if (!known.has(spec.name)) known.set(spec.name, spec);
  }

  /** Puts them into every store. */
  end(): void {
    for (const [type, specs] of this.#types) {
      for (const store of this.#stores) {
        store.put(keyOf("specs", type), encodeSpecs(type, specs.values()));
      }
    }
  }
}
