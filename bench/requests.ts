import { io } from "@statefold/sdk/protocol";
import { encodeRequest } from "../src/invoke/encode-request.ts";
import { idOf } from "./idle-functions.ts";

/*
 * What the load generators send, one request for each address, made beforehand.
 *
 * call: what a client sends to a node, for the counter · protocol: what a node sends to a function (the same message,
 * with a state beside it) · restate: the same for Restate · add: as `call`, with a number to add for an argument ·
 * note: a call to an address of bench/idle.
 */
export type Shape = "call" | "protocol" | "restate" | "add" | "note";

const { IntWrapper } = io.statefun.sdk.types;
const { PersistedValue } = io.statefun.sdk.reqreply.ToFunction;

const INT = "io.statefun.types/int";
const RAW = "bench/Raw";
export const ARGUMENT_BYTES = 100;

/** @param payloadBytes of the argument of a call */
export function requestsOf(
  shape: Shape,
  ids: number,
  payloadBytes = ARGUMENT_BYTES,
): readonly Buffer[] {
  const argument = Buffer.alloc(payloadBytes, "x");
  const makers: Readonly<Record<Shape, (n: number) => Buffer>> = {
    call: (n) => post(`/v1/call/bench/counter/${userOf(n)}`, [`statefold-type: ${RAW}`], argument),
    add: (n) => post(`/v1/call/bench/counter/${userOf(n)}`, [`statefold-type: ${INT}`], int(1)),
    restate: (n) => post(`/counter/${userOf(n)}/add`, [], argument),
    protocol: (n) => protocolOf(userOf(n), argument),
    note: (n) => post(`/v1/call/bench/idle/${idOf(n)}`, [], Buffer.from("?"), "text/plain"),
  };
  return Array.from({ length: ids }, (_, n) => makers[shape](n));
}

/** A token for a node: it makes `hops` hops. */
export function tokenRequest(id: string, hops: number): Buffer {
  return post(`/v1/send/bench/token/${id}`, [`statefold-type: ${INT}`], int(hops));
}

function userOf(n: number): string {
  return `user-${n}`;
}

function protocolOf(id: string, argument: Uint8Array): Buffer {
  const stateValue = { typename: INT, hasValue: true, value: int(41) };
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
        value: { typename: RAW, hasValue: true, value: argument },
        id: "0-1-0123456789abcdef",
        causeId: undefined,
        acceptedAtMs: 1_700_000_000_000,
        traceparent: undefined,
        headers: [],
        recordAtMs: undefined,
      },
    ],
    attempt: 1,
  });
  return post("/", [], body);
}

function int(value: number): Uint8Array {
  return IntWrapper.encode({ value }).finish();
}

function post(
  path: string,
  headers: readonly string[],
  body: Uint8Array,
  contentType = "application/octet-stream",
): Buffer {
  const head = [
    `POST ${path} HTTP/1.1`,
    "host: 127.0.0.1",
    `content-type: ${contentType}`,
    contentType === "text/plain" ? "accept: text/plain" : "accept: */*",
    ...headers,
    `content-length: ${body.byteLength}`,
  ];
  return Buffer.concat([Buffer.from(`${head.join("\r\n")}\r\n\r\n`), body]);
}
