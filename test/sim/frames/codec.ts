/** The function's side of the wire, by the generated code: another hand than the one that is tested. */
import assert from "node:assert/strict";
import { io } from "@statefold/sdk/protocol";
import { unreachable } from "../../../src/base/assert.ts";
import { type Address, addressKey } from "../../../src/model/address.ts";
import type { Invocation, Outcome } from "../../../src/model/invocation.ts";

const { FromFunctions, ToFunctions } = io.statefun.sdk.reqreply;
const { FromFunction } = io.statefun.sdk.reqreply;
const { MODIFY, DELETE } = FromFunction.PersistedValueMutation.MutationType;
const MODES = { never: 0, afterWrite: 1, afterInvoke: 2 } as const;

/** A call as a request brings it. */
export interface SeenCall {
  readonly frame: number;
  /** Its address, as `addressKey` names it. */
  readonly key: string;
  readonly messageIds: readonly string[];
  readonly states: number;
}

export function callsIn(body: Uint8Array): readonly SeenCall[] {
  const { calls } = ToFunctions.decode(body);
  assert.equal(new Set(calls.map(({ frame }) => frame)).size, calls.length, "a frame came twice");
  return calls.map(({ frame, invocation }) => {
    const { target, invocations, state } = invocation ?? {};
    const { namespace, type, id } = target ?? {};
    return {
      frame: frame ?? 0,
      key: addressKey({ type: `${namespace}/${type}`, id: id ?? "" }),
      messageIds: (invocations ?? []).map(({ messageId }) => messageId ?? ""),
      states: state?.length ?? 0,
    };
  });
}

export function isSame(seen: SeenCall, invocation: Invocation): boolean {
  const { messages, state } = invocation;
  return (
    seen.states === state.length &&
    seen.messageIds.length === messages.length &&
    seen.messageIds.every((id, i) => id === messages[i]?.id)
  );
}

/** One entry of an answer's body. */
export function answerOf(frame: number, outcome: Outcome): Uint8Array {
  return FromFunctions.encode({ answers: [{ frame, ...responseOf(outcome) }] }).finish();
}

function responseOf(outcome: Outcome): io.statefun.sdk.reqreply.FromFunction.$Properties {
  switch (outcome.kind) {
    case "failed":
      return { failure: { status: 500, message: outcome.reason } };
    case "retryLater":
      return { failure: { status: 503, message: outcome.reason } };
    case "incomplete":
      return {
        incompleteInvocationContext: {
          missingValues: outcome.missing.map(({ name, typename, expireMode, expireAfterMs }) => ({
            stateName: name,
            typeTypename: typename,
            expirationSpec: { mode: MODES[expireMode], expireAfterMillis: expireAfterMs },
          })),
        },
      };
    case "reply": {
      const { messages, delayed, egress, mutations } = outcome.effects;
      return {
        invocationResult: {
          stateMutations: mutations.map(({ name, value }) => ({
            stateName: name,
            mutationType: value === undefined ? DELETE : MODIFY,
            stateValue: value ?? null,
          })),
          outgoingMessages: messages.map(({ target, value }) => ({
            target: wire(target),
            argument: value,
          })),
          delayedInvocations: delayed.map((each) =>
            each.kind === "cancel"
              ? { isCancellationRequest: true, cancellationToken: each.token }
              : {
                  delayInMs: each.delayMs,
                  target: wire(each.target),
                  argument: each.value,
                  cancellationToken: each.token,
                },
          ),
          outgoingEgresses: egress.map((record) => ({
            egressNamespace: record.egress.split("/")[0] ?? "",
            egressType: record.egress.split("/")[1] ?? "",
            argument: record.value,
          })),
        },
      };
    }
    default:
      return unreachable(outcome);
  }
}

function wire({ type, id }: Address) {
  const [namespace = "", name = ""] = type.split("/");
  return { namespace, type: name, id };
}

/** What came out is what the function said of this very call. */
export function assertTold(outcome: Outcome, said: Outcome): void {
  assert.equal(outcome.kind, said.kind, "an answer that is another call's");
  if (outcome.kind === "failed" || outcome.kind === "retryLater") return;
  const isSame = Buffer.compare(answerOf(1, outcome), answerOf(1, said)) === 0;
  assert(isSame, "an answer that is another call's");
}
