/** Requests to a server that offers frames, as the runtime would send them, and what is read out of its answers. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { type ClientRequest, request as httpRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import { io } from "@statefold/sdk/protocol";

const { FromFunctions, ToFunctions } = io.statefun.sdk.reqreply;
const { IntWrapper, StringWrapper } = io.statefun.sdk.types;

/** The function that a server under test has to serve; docs/frames.md says what it does. */
export const CONFORMANCE_TYPE = "statefold.conformance/fn";
export const FRAMES = "application/vnd.statefold.frames.v1";
const OCTET_STREAM = "application/octet-stream";
export const INT = "io.statefun.types/int";

export type Call = io.statefun.sdk.reqreply.ToFunction.$Properties;
export type Answer = io.statefun.sdk.reqreply.FromFunction;

const CALLER = { namespace: "test", type: "caller", id: "c" };

export interface CallOptions {
  /** Default: the request lacks the state. */
  readonly count?: number | undefined;
  /** Default: {@link CONFORMANCE_TYPE}. */
  readonly type?: string;
  /** False: as a message from outside. Default true. */
  readonly hasCaller?: boolean;
}

/** @param texts a message each */
export function call(
  frame: number,
  id: string,
  texts: string | readonly string[],
  { count, type = CONFORMANCE_TYPE, hasCaller = true }: CallOptions = {},
): Call {
  const [namespace = "", name = ""] = type.split("/");
  const value = IntWrapper.encode({ value: count ?? 0 }).finish();
  const stateValue = { typename: INT, hasValue: true, value };
  const invocations = [texts].flat().map((text) => ({
    ...(hasCaller ? { caller: CALLER } : {}),
    argument: {
      typename: "io.statefun.types/string",
      hasValue: true,
      value: StringWrapper.encode({ value: text }).finish(),
    },
  }));
  const state = count === undefined ? [] : [{ stateName: "count", stateValue }];
  return { frame, invocation: { target: { namespace, type: name, id }, state, invocations } };
}

/** The counts that are replied to the caller, the last of which is the one that is kept. */
export function countsOf(answer: Answer | undefined): number[] {
  const replies = answer?.invocationResult?.outgoingMessages ?? [];
  for (const { target } of replies) assert.equal(target?.id, CALLER.id, "no reply to the caller");
  const counts = replies.map(({ argument }) => intOf(argument?.value));
  assert(counts.length > 0, "no reply to the caller");
  assert.equal(counts.at(-1), keptOf(answer));
  return counts;
}

/** The same of a call of one message. */
export function countOf(answer: Answer | undefined): number {
  const counts = countsOf(answer);
  assert.equal(counts.length, 1, "more than one reply to one message");
  return counts[0] ?? 0;
}

/** The count as it is kept. */
export function keptOf(answer: Answer | undefined): number {
  const mutations = answer?.invocationResult?.stateMutations ?? [];
  const kept = mutations.findLast(({ stateName }) => stateName === "count");
  assert(kept !== undefined, "no mutation of the state");
  return intOf(kept.stateValue?.value);
}

function intOf(value: Uint8Array | null | undefined): number {
  return IntWrapper.decode(value ?? Buffer.alloc(0)).value;
}

export function assertFailed(answer: Answer | undefined): void {
  const { status = 0 } = answer?.failure ?? {};
  assert(Number(status) >= 400 && Number(status) < 600, "no failure with a status");
}

/** A field of bytes, up to 16,383 of them. */
export function fieldOf(number: number, bytes: Uint8Array): Buffer {
  return Buffer.concat([varint((number << 3) | 2), varint(bytes.byteLength), bytes]);
}

/** Below 16,384. */
export function varint(value: number): Buffer {
  return Buffer.from(value < 0x80 ? [value] : [(value & 0x7f) | 0x80, value >> 7]);
}

export function bodyOf(calls: readonly Call[]): Buffer {
  return Buffer.from(ToFunctions.encode({ calls: [...calls] }).finish());
}

/** The answers by their frames. */
export async function ask(url: string, calls: readonly Call[]): Promise<Map<number, Answer>> {
  return await read((await post(url, bodyOf(calls))).response);
}

/** Begins a request of frames, on a connection of its own; the body is up to who asks. */
export function begin(url: string, length: number, type = FRAMES): ClientRequest {
  const headers = { "content-type": type, accept: type, "content-length": length };
  const request = new URL(url).protocol === "https:" ? httpsRequest : httpRequest;
  return request(url, { method: "POST", headers, agent: false });
}

/** @returns with when it was sent, by `performance.now()` */
export async function post(
  url: string,
  body: Buffer,
): Promise<{ readonly response: IncomingMessage; readonly sent: number }> {
  const sent = performance.now();
  return { response: await responseTo(begin(url, body.byteLength), body), sent };
}

/** An ordinary request, of one call. */
export async function postOrdinary(url: string, body: Buffer): Promise<IncomingMessage> {
  return await responseTo(begin(url, body.byteLength, OCTET_STREAM), body);
}

async function responseTo(client: ClientRequest, body: Buffer): Promise<IncomingMessage> {
  client.end(body);
  const [response] = (await once(client, "response")) as [IncomingMessage];
  return response;
}

/** What an ordinary answer offers, without blanks. */
export function offersOf({ headers }: IncomingMessage): string[] {
  const value = headers["statefold-frames"];
  return [value ?? []].flat().flatMap((each) => each.split(",").map((version) => version.trim()));
}

/** Without parameters, in small letters. */
export function mediaTypeOf({ headers }: IncomingMessage): string {
  return headers["content-type"]?.split(";", 1)[0]?.trim().toLowerCase() ?? "";
}

export async function bytesOf(response: IncomingMessage): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of response) pieces.push(piece as Buffer);
  return Buffer.concat(pieces);
}

/** The answers by their frames. */
export async function read(response: IncomingMessage): Promise<Map<number, Answer>> {
  assert.equal(response.statusCode, 200);
  assert.equal(mediaTypeOf(response), FRAMES);
  const { answers } = FromFunctions.decode(await bytesOf(response));
  const byFrame = new Map(answers.map((answer) => [answer.frame ?? 0, answer as Answer]));
  assert.equal(byFrame.size, answers.length, "a frame is answered twice");
  return byFrame;
}
