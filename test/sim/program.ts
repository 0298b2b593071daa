/**
 * Random programs: trees of steps. A step is one message; handling it counts it in its address's state,
 * tells the egress its label, and does its actions. Every label is handled exactly once, or never for a
 * stated reason: that is what the account at the end compares.
 */
import type { Address } from "../../src/model/address.ts";
import type { Rng } from "../support/rng.ts";
import type { Features } from "./swarm.ts";

export interface Step {
  readonly label: string;
  readonly target: Address;
  readonly actions: readonly Action[];
  /** Payload bytes beside the step itself. */
  readonly pad?: number;
}

/** In which way a poison message makes its function's answer fail. */
export const POISONS = [
  "throws",
  "undeclared",
  "mistyped",
  "swells",
  "longToken",
  "asks",
  "manySpecs",
] as const;
export type Poison = (typeof POISONS)[number];

export type Action =
  | { readonly do: "send"; readonly step: Step }
  | {
      readonly do: "sendAfter";
      readonly delayMs: number;
      readonly step: Step;
      readonly token: string;
    }
  | { readonly do: "cancel"; readonly token: string }
  | { readonly do: "reply" }
  /** Replies to the caller of the step that sent this one, in its stead. */
  | { readonly do: "replyFor"; readonly label: string }
  | { readonly do: "strayMessage" }
  | { readonly do: "strayRecord" }
  /** A record for the egress that refuses some, and that cannot take others at all. */
  | { readonly do: "record"; readonly fate: "taken" | "refused" | "invalid" }
  | { readonly do: "fail"; readonly times: number }
  | { readonly do: "trouble"; readonly times: number }
  | { readonly do: "poison"; readonly how: Poison }
  | { readonly do: "remember" }
  | { readonly do: "forget" }
  | { readonly do: "blob"; readonly bytes: number };

/** What happens to a poison message: by the policy of its function type. */
export const PARKING = "sim/parking";
export const BURYING = "sim/burying";
export const SKIPPING = "sim/skipping";
export const TYPES = [PARKING, BURYING, SKIPPING] as const;

/** After so many the programs of a run have no more branches: seeds stay quick. */
const MAX_LABELS = 450;

const FIRST_FEW = [
  "a/b",
  "nul\0inside",
  "ключ-€-🎉",
  "x".repeat(1_000),
  "\u0000",
  "__proto__",
  " ",
];

export class Programs {
  readonly #rng: Rng;
  readonly #features: Features;
  readonly #ids: readonly string[];
  #labels = 0;

  constructor(rng: Rng, features: Features) {
    this.#rng = rng;
    this.#features = features;
    this.#ids = Array.from(
      { length: features.ids },
      (_, i) => (features.strangeIds ? FIRST_FEW[i] : undefined) ?? `id-${i}`,
    );
  }

  address(): Address {
    const rng = this.#rng;
    if (rng.chance(this.#features.hot)) return { type: PARKING, id: this.#ids[0] ?? "" };
    return { type: rng.pick(TYPES), id: rng.pick(this.#ids) };
  }

  /** A program from outside. Its first step succeeds in the end, and tells that it was accepted. */
  root(target = this.address()): Step {
    const step = this.#step(0, target, false);
    const reply = this.#rng.chance(0.2) ? this.#delegate(step.label) : ({ do: "reply" } as const);
    const twice = this.#rng.chance(0.1) ? [{ do: "reply" } as const] : [];
    return { ...step, actions: [...step.actions, reply, ...twice] };
  }

  /** Somebody else, perhaps in another partition, replies. */
  #delegate(root: string): Action {
    const label = `s${++this.#labels}`;
    const actions = [{ do: "replyFor", label: root } as const];
    return { do: "send", step: { label, target: this.address(), actions } };
  }

  #step(depth: number, target: Address, mayBePoison: boolean): Step {
    const label = `s${++this.#labels}`;
    const { poison, maxDepth, padBytes, tokens } = this.#features;
    const rng = this.#rng;
    const pad = padBytes > 0 && rng.chance(0.2) ? { pad: rng.int(padBytes) } : {};
    if (mayBePoison && poison && rng.chance(0.08)) {
      const how = rng.chance(0.5) ? "throws" : rng.pick(POISONS);
      return { label, target, actions: [{ do: "poison", how }], ...pad };
    }
    const actions = this.#ownActions();
    if (depth < maxDepth && this.#labels < MAX_LABELS) {
      for (let i = rng.int(4); i > 0; i--) this.#child(depth, target, actions);
      if (tokens && rng.chance(0.4)) this.#tokens(depth, target, actions);
    }
    return { label, target, actions, ...pad };
  }

  /** What a step does that sends no other. */
  #ownActions(): Action[] {
    const { failures, strays, expiry, records, blobBytes } = this.#features;
    const rng = this.#rng;
    const actions: Action[] = [];
    const sometimes = (isOn: boolean, probability: number, action: () => Action) => {
      if (isOn && rng.chance(probability)) actions.push(action());
    };
    sometimes(failures, 0.1, () => ({ do: "fail", times: 1 + rng.int(2) }));
    sometimes(failures, 0.05, () => ({ do: "trouble", times: 1 + rng.int(3) }));
    sometimes(strays, 0.05, () => ({ do: "strayMessage" }));
    sometimes(strays, 0.05, () => ({ do: "strayRecord" }));
    const fates = ["taken", "refused", "invalid"] as const;
    sometimes(records, 0.2, () => ({ do: "record", fate: rng.pick(fates) }));
    sometimes(expiry > 0, expiry, () => ({ do: "remember" }));
    sometimes(expiry > 0, 0.03, () => ({ do: "forget" }));
    sometimes(blobBytes > 0, 0.15, () => ({ do: "blob", bytes: rng.int(blobBytes) }));
    return actions;
  }

  #child(depth: number, parent: Address, actions: Action[]): void {
    const rng = this.#rng;
    // Often to itself: loops are where order and liveness break.
    const target = rng.chance(0.3) ? parent : this.address();
    const step = this.#step(depth + 1, target, true);
    if (this.#features.timers && rng.chance(0.25)) {
      actions.push({ do: "sendAfter", delayMs: this.#delayMs(), step, token: "" });
    } else {
      actions.push({ do: "send", step });
    }
  }

  #delayMs(): number {
    const rng = this.#rng;
    return rng.pick([0, 1, rng.int(50), rng.int(2_000), 60_000 + rng.int(300_000)]);
  }

  /** Delayed messages under the few tokens of an id, and cancellations, in any order, by any of its types. */
  #tokens(depth: number, parent: Address, actions: Action[]): void {
    const rng = this.#rng;
    const token = rng.pick(["t0", "t0", "t1"]);
    const action: Action = rng.chance(0.6)
      ? {
          ...{ do: "sendAfter", token },
          delayMs: rng.chance(0.5) ? rng.int(400) : this.#delayMs(),
          step: this.#step(depth + 1, rng.chance(0.5) ? parent : this.address(), false),
        }
      : { do: "cancel", token };
    actions.push(action);
    if (rng.chance(0.3)) this.#tokens(depth, parent, actions);
    if (!rng.chance(0.6)) return;
    // Somebody of the same id who cancels, sooner or later.
    const target = { type: rng.pick(TYPES), id: parent.id };
    const label = `s${++this.#labels}`;
    const canceller: Step = { label, target, actions: [{ do: "cancel", token }] };
    if (rng.chance(0.4)) actions.push({ do: "send", step: canceller });
    else {
      const delayMs = rng.chance(0.5) ? rng.int(400) : this.#delayMs();
      actions.push({ do: "sendAfter", delayMs, step: canceller, token: "" });
    }
  }
}
