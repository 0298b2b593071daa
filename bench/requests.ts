import { io } from "@statefold/sdk/protocol";
import { encodeRequest } from "../src/invoke/encode-request.ts";

/*
 * What the load generator sends, one request for each address, made beforehand: either what a client
 * sends to a node, or what a node sends to a function (the same message, with a state beside it).
 */
export type Shape = "call" | "protocol";

const { IntWrapper } = io.statefun.sdk.types;
const { PersistedValue } = io.statefun.sdk.reqreply.ToFunction;

const INT = "io.statefun.types/int";
const ONE = { typename: INT, hasValue: true, value: IntWrapper.encode({ value: 1 }).finish() };

export function requestsOf(shape: Shape, ids: number): readonly Buffer[] {
  const make = shape === "call" ? callOf : protocolOf;
  return Array.from({ length: ids }, (_, n) => make(`user-${n}`));
}

/** A token for a node: it makes `hops` hops. */
export function tokenRequest(id: string, hops: number): Buffer {
  return post(`/v1/send/bench/token/${id}`, [`statefold-type: ${INT}`], int(hops));
}

function callOf(id: string): Buffer {
  return post(`/v1/call/bench/counter/${id}`, [`statefold-type: ${INT}`], int(1));
}

function protocolOf(id: string): Buffer {
  const stateValue = { ...ONE, value: int(41) };
  const state = PersistedValue.encode({ stateName: "count", stateValue }).finish();
  const target = { type: "bench/counter", id };
  const body = encodeRequest({
    target,
    endpoint: "bench/*",
    state: [Buffer.concat([Buffer.from([0x12, state.byteLength]), state])],
    messages: [
      {
        target,
        caller: { type: "statefold/call", id: "0-0123456789abcdef" },
        value: ONE,
        id: "0-1-0123456789abcdef",
        causeId: undefined,
        acceptedAtMs: 1_700_000_000_000,
        traceparent: undefined,
        headers: [],
      },
    ],
    attempt: 1,
  });
  return post("/", [], body);
}

function int(value: number): Uint8Array {
  return IntWrapper.encode({ value }).finish();
}

function post(path: string, headers: readonly string[], body: Uint8Array): Buffer {
  const head = [
    `POST ${path} HTTP/1.1`,
    "host: 127.0.0.1",
    "content-type: application/octet-stream",
    "accept: application/octet-stream",
    ...headers,
    `content-length: ${body.byteLength}`,
  ];
  return Buffer.concat([Buffer.from(`${head.join("\r\n")}\r\n\r\n`), body]);
}
