/**
 * Random programs: trees of steps. A step is one message; handling it counts it in its address's state,
 * tells the egress its label, and does its actions. Every label is handled exactly once, or never for a
 * stated reason: that is what the account at the end compares.
 */
import type { Address } from "../../src/model/address.ts";
import type { Rng } from "../support/rng.ts";

export interface Step {
  readonly label: string;
  readonly target: Address;
  readonly actions: readonly Action[];
}

export type Action =
  | { readonly do: "send"; readonly step: Step }
  | {
      readonly do: "sendAfter";
      readonly delayMs: number;
      readonly step: Step;
      readonly token: string;
      /** Its token goes to another message within the same answer: it must never be handled. */
      readonly isSuperseded?: boolean;
    }
  | { readonly do: "cancel"; readonly token: string }
  | { readonly do: "reply" }
  | { readonly do: "strayMessage" }
  | { readonly do: "strayRecord" }
  | { readonly do: "fail"; readonly times: number }
  | { readonly do: "poison" }
  | { readonly do: "remember" };

/** What happens to a poison message: by the policy of its function type. */
export const PARKING = "sim/parking";
export const BURYING = "sim/burying";
export const SKIPPING = "sim/skipping";
export const TYPES = [PARKING, BURYING, SKIPPING] as const;

export interface ProgramFeatures {
  readonly ids: number;
  readonly maxDepth: number;
  readonly failures: boolean;
  readonly poison: boolean;
  readonly strays: boolean;
  readonly timers: boolean;
  readonly expiry: boolean;
}

export class Programs {
  readonly #rng: Rng;
  readonly #features: ProgramFeatures;
  #labels = 0;

  constructor(rng: Rng, features: ProgramFeatures) {
    this.#rng = rng;
    this.#features = features;
  }

  address(): Address {
    return { type: this.#rng.pick(TYPES), id: `id-${this.#rng.int(this.#features.ids)}` };
  }

  /** A program from outside. Its first step always succeeds in the end: it tells that it was accepted. */
  root(target = this.address()): Step {
    const step = this.#step(0, target, false);
    return { ...step, actions: [...step.actions, { do: "reply" }] };
  }

  #step(depth: number, target: Address, mayBePoison: boolean): Step {
    const label = `s${++this.#labels}`;
    const { failures, poison, strays, timers, expiry, maxDepth } = this.#features;
    const rng = this.#rng;
    if (mayBePoison && poison && rng.chance(0.06)) {
      return { label, target, actions: [{ do: "poison" }] };
    }
    const actions: Action[] = [];
    if (failures && rng.chance(0.1)) actions.push({ do: "fail", times: 1 + rng.int(2) });
    if (strays && rng.chance(0.05)) actions.push({ do: "strayMessage" });
    if (strays && rng.chance(0.05)) actions.push({ do: "strayRecord" });
    if (expiry && rng.chance(0.15)) actions.push({ do: "remember" });
    if (depth < maxDepth) {
      for (let i = rng.int(4); i > 0; i--) this.#child(depth, target, actions);
      if (timers && rng.chance(0.15)) this.#tokenPair(depth, target, actions);
    }
    return { label, target, actions };
  }

  #child(depth: number, parent: Address, actions: Action[]): void {
    const rng = this.#rng;
    // Often to itself: loops are where order and liveness break.
    const target = rng.chance(0.3) ? parent : this.address();
    const step = this.#step(depth + 1, target, true);
    if (this.#features.timers && rng.chance(0.25)) {
      const delayMs = rng.pick([0, 1, rng.int(50), rng.int(2_000), 60_000 + rng.int(300_000)]);
      actions.push({ do: "sendAfter", delayMs, step, token: "" });
    } else {
      actions.push({ do: "send", step });
    }
  }

  /** A delayed message with a token, and a message to the same address that cancels it. */
  #tokenPair(depth: number, target: Address, actions: Action[]): void {
    const rng = this.#rng;
    const step = this.#step(depth + 1, target, false);
    const token = `token-${step.label}`;
    if (rng.chance(0.3)) {
      const superseded: Step = { label: `s${++this.#labels}`, target, actions: [] };
      const [delayMs, isSuperseded] = [rng.int(400), true];
      actions.push({ do: "sendAfter", delayMs, step: superseded, token, isSuperseded });
    }
    actions.push({ do: "sendAfter", delayMs: rng.int(400), step, token });
    const label = `s${++this.#labels}`;
    const cancel: Action = { do: "cancel", token };
    const cancels = rng.chance(0.2) ? [cancel, cancel] : [cancel];
    const cancelling: Step = { label, target, actions: cancels };
    if (rng.chance(0.5)) actions.push({ do: "send", step: cancelling });
    else actions.push({ do: "sendAfter", delayMs: rng.int(400), step: cancelling, token: "" });
  }
}
