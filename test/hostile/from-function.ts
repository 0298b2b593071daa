/**
 * What functions answer, as bytes: our reader against protobufjs. It may refuse more, never understand
 * something else.
 */
import assert from "node:assert/strict";
import { io } from "@statefold/sdk/protocol";
import { DELAY_MAX_MS, decodeResponse } from "../../src/invoke/decode-response.ts";
import type { Outcome } from "../../src/model/invocation.ts";
import type { TypedValue } from "../../src/model/typed-value.ts";
import type { Attack } from "./attack.ts";
import { anyFromFunction } from "./wire.ts";

const { FromFunction } = io.statefun.sdk.reqreply;
const UNSET = "io.statefun.types/unset";

type WireValue = io.statefun.sdk.reqreply.TypedValue.$Properties | null | undefined;
type WireAddress = io.statefun.sdk.reqreply.Address.$Properties | null | undefined;
type Int64 = number | { toNumber(): number } | null | undefined;

export const fromFunctionAttack: Attack = {
  name: "from-function",
  strike: (rng, show) => {
    const bytes = anyFromFunction(rng, rng.pick([0, 0.03, 0.1, 0.5]));
    show(bytes);
    const outcome = decodeResponse(bytes);
    const meaning = meaningOf(bytes);
    if (outcome.kind === "failed") {
      assert(outcome.reason.length > 0);
      if (meaning === undefined) return "refused, as protobufjs does";
      return `refused: ${ruleOf(outcome.reason)}`;
    }
    assert(outcome.kind !== "retryLater", "an answer is no trouble of the endpoint's");
    assert.deepEqual(plain(outcome), meaning);
    return outcome.kind;
  },
};

/** A reason without what it quotes. */
function ruleOf(reason: string): string {
  const rule = reason.replace("the answer cannot be read: ", "").replace(/"[\s\S]*"|-?\d+/g, "…");
  if (/ should be a /.test(rule)) return "a field of another wire type";
  return / is there twice/.test(rule) ? "a part that is there twice" : rule;
}

/** The same answer as protobufjs reads it, in the words of the runtime; undefined: it is not readable. */
function meaningOf(bytes: Uint8Array): unknown {
  let answer: io.statefun.sdk.reqreply.FromFunction;
  try {
    answer = FromFunction.decode(bytes);
  } catch {
    return undefined;
  }
  const { invocationResult: result, incompleteInvocationContext: incomplete } = answer;
  if (incomplete) {
    const missing = (incomplete.missingValues ?? []).map((spec) => {
      const mode = spec.expirationSpec?.mode ?? 0;
      const afterMs = Math.min(number(spec.expirationSpec?.expireAfterMillis), DELAY_MAX_MS);
      return {
        name: spec.stateName ?? "",
        typename: spec.typeTypename || UNSET,
        expireMode: ["never", "afterWrite", "afterInvoke"][mode],
        expireAfterMs: mode === 0 ? 0 : afterMs,
      };
    });
    return { kind: "incomplete", missing };
  }
  return {
    kind: "reply",
    effects: {
      messages: (result?.outgoingMessages ?? []).map(({ target, argument }) => {
        return { target: address(target), value: value(argument) };
      }),
      delayed: (result?.delayedInvocations ?? []).map((delayed) => {
        const token = delayed.cancellationToken ?? "";
        if (delayed.isCancellationRequest) return { kind: "cancel", token };
        const delayMs = Math.min(number(delayed.delayInMs), DELAY_MAX_MS);
        const target = address(delayed.target);
        return { kind: "send", target, value: value(delayed.argument), delayMs, token };
      }),
      egress: (result?.outgoingEgresses ?? []).map(({ egressNamespace, egressType, argument }) => {
        return { egress: `${egressNamespace ?? ""}/${egressType ?? ""}`, value: value(argument) };
      }),
      mutations: (result?.stateMutations ?? []).map(({ mutationType, stateName, stateValue }) => {
        const name = stateName ?? "";
        if (mutationType !== 1) return { name, value: undefined };
        const given = value(stateValue);
        const typename = given.typename === "" ? UNSET : given.typename;
        return { name, value: { ...given, typename, hasValue: true } };
      }),
    },
  };
}

function number(value: Int64): number {
  if (value === null || value === undefined) return 0;
  return typeof value === "number" ? value : value.toNumber();
}

function address(wire: WireAddress): { type: string; id: string } {
  return { type: `${wire?.namespace ?? ""}/${wire?.type ?? ""}`, id: wire?.id ?? "" };
}

interface PlainValue {
  readonly typename: string;
  readonly hasValue: boolean;
  readonly value: string;
  readonly metadata: readonly (readonly [string, string])[];
}

function value(wire: WireValue): PlainValue {
  return {
    typename: wire?.typename ?? "",
    hasValue: wire?.hasValue ?? false,
    value: hex(wire?.value ?? new Uint8Array(0)),
    metadata: entries(wire?.metadata ?? {}),
  };
}

function entries(metadata: Readonly<Record<string, Uint8Array>>): [string, string][] {
  return Object.entries(metadata)
    .map(([key, bytes]): [string, string] => [key, hex(bytes)])
    .sort(([a], [b]) => (a < b ? -1 : 1));
}

/** Values as hex and lists, for comparing. */
function plain(outcome: Outcome): unknown {
  if (outcome.kind !== "reply") return outcome;
  const { messages, delayed, egress, mutations } = outcome.effects;
  return {
    kind: "reply",
    effects: {
      messages: messages.map((each) => ({ ...each, value: flat(each.value) })),
      delayed: delayed.map((each) =>
        each.kind === "send" ? { ...each, value: flat(each.value) } : each,
      ),
      egress: egress.map((each) => ({ ...each, value: flat(each.value) })),
      mutations: mutations.map((each) => {
        return { ...each, value: each.value === undefined ? undefined : flat(each.value) };
      }),
    },
  };
}

function flat(typed: TypedValue): PlainValue {
  return { ...typed, value: hex(typed.value), metadata: entries(typed.metadata ?? {}) };
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}
