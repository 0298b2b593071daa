import { performance } from "node:perf_hooks";
import { io } from "@statefold/sdk/protocol";
import { decodeResponse } from "../src/invoke/decode-response.ts";
import { encodeRequest } from "../src/invoke/encode-request.ts";
import type { Invocation } from "../src/model/invocation.ts";
import type { BenchOptions } from "./support/options.ts";
import { type Report, reportOf } from "./support/report.ts";
import { median } from "./support/table.ts";

/* The hand-written encoder and decoder beside the generated ones, on a call as the node makes it. */

const { FromFunction, ToFunction } = io.statefun.sdk.reqreply;

const STATE = {
  stateName: "count",
  stateValue: { typename: "io.statefun.types/long", hasValue: true, value: Buffer.alloc(9, 1) },
};

export async function benchCodec({ rounds }: BenchOptions): Promise<Report> {
  const answer = FromFunction.encode({
    invocationResult: {
      stateMutations: [{ mutationType: 1, ...STATE }],
      outgoingMessages: [
        { target: wireAddress("statefold/call", "0-01"), argument: STATE.stateValue },
      ],
    },
  }).finish();
  const [one, twenty] = [anInvocation(1), anInvocation(20)];
  const subjects: readonly (readonly [string, () => unknown])[] = [
    ["encode 1 message by hand", () => encodeRequest(one)],
    ["encode 1 message, generated", () => encodeGenerated(one)],
    ["encode 20 messages by hand", () => encodeRequest(twenty)],
    ["encode 20 messages, generated", () => encodeGenerated(twenty)],
    ["decode by hand, to effects", () => decodeResponse(answer)],
    ["decode, generated", () => FromFunction.decode(answer)],
  ];
  const found = subjects.map(() => [] as number[]);
  for (let round = 0; round < rounds + 1; round++) {
    for (const [at, [, run]] of subjects.entries()) {
      const us = microseconds(run);
      if (round > 0) found[at]?.push(us); // the first round warms up
    }
  }
  const rows = subjects.map(([name], at) => [name, median(found[at] ?? []).toFixed(2)]);
  return reportOf({ head: ["codec", "µs"], rows });
}

function microseconds(run: () => unknown): number {
  const times = 50_000;
  const startedAtMs = performance.now();
  for (let n = 0; n < times; n++) run();
  return ((performance.now() - startedAtMs) / times) * 1000;
}

function anInvocation(messages: number): Invocation {
  const entry = ToFunction.PersistedValue.encode(STATE).finish();
  const target = { type: "bench/counter", id: "user-1" };
  return {
    target,
    endpoint: "bench/*",
    state: [Buffer.concat([Buffer.from([0x12, entry.byteLength]), entry])],
    messages: Array.from({ length: messages }, (_, n) => ({
      target,
      caller: { type: "statefold/call", id: "0-0123456789abcdef" },
      value: STATE.stateValue,
      id: `0-1-${n}`,
      causeId: undefined,
      acceptedAtMs: 1_700_000_000_000,
      traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
      headers: [],
      recordAtMs: undefined,
    })),
    attempt: 1,
  };
}

/** As it would be without a hand-written encoder: the states decoded, to be encoded again. */
function encodeGenerated({ target, state, messages, attempt }: Invocation): Uint8Array {
  return ToFunction.encode({
    invocation: {
      target: wireAddress(target.type, target.id),
      state: state.map((entry) => ToFunction.PersistedValue.decode(entry.subarray(2))),
      invocations: messages.map((message) => ({
        caller: message.caller ? wireAddress(message.caller.type, message.caller.id) : null,
        argument: message.value,
        messageId: message.id,
        acceptedAtMs: message.acceptedAtMs,
        attempt,
        traceparent: message.traceparent ?? "",
      })),
    },
  }).finish();
}

function wireAddress(typename: string, id: string) {
  const [namespace = "", type = ""] = typename.split("/");
  return { namespace, type, id };
}
