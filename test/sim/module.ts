import type { Directory, EgressBinding, FunctionBinding } from "../../src/partition/ports.ts";
import { EGRESS, SIDE_EGRESS } from "./functions.ts";
import { BURYING, PARKING, SKIPPING } from "./program.ts";
import type { Swarm } from "./swarm.ts";

/** What the simulated module says. Each life of a node begins with the directory as it is at that moment. */
export class SimModule {
  /** A type that the module does not have for a while. */
  missing: string | undefined;
  readonly #functions: Readonly<Record<string, FunctionBinding>>;

  constructor({ binding }: Swarm) {
    const { concurrency, maxBatchMessages, maxAttempts } = binding;
    const common = {
      ...{ endpoint: "sim", delivery: "immediate" as const },
      ...{ concurrency, maxBatchMessages, retry: { maxAttempts, initialMs: 5, maxMs: 200 } },
    };
    this.#functions = {
      [PARKING]: { ...common, onFailure: "park" },
      [BURYING]: { ...common, onFailure: "deadLetter", delivery: "committed" },
      [SKIPPING]: { ...common, onFailure: "skip" },
    };
  }

  get directory(): Directory {
    const { missing } = this;
    return {
      function: (type) => (type === missing ? undefined : this.#functions[type]),
      egress: (id) => EGRESSES[id],
    };
  }
}

const EGRESSES: Readonly<Record<string, EgressBinding>> = {
  [EGRESS]: { check: () => undefined },
  [SIDE_EGRESS]: {
    check: ({ value }) =>
      Buffer.from(value).includes('"fate":"invalid"') ? "it is invalid" : undefined,
  },
};
