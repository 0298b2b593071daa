/**
 * Requests of many calls, from bytes to bytes: splits a body into its calls, runs them side by side, and
 * hands out each answer as soon as it is there, in any order. The grammar is proto/statefun/frames.proto,
 * the meaning docs/frames.md.
 *
 * Answers are gathered while the program is at it and written in one piece: a request whose functions are
 * all synchronous is answered in one. A call that fails, fails alone. What the reader does not take holds
 * back the calls that have not begun.
 */
import protobuf from "protobufjs/minimal.js";
import { describeThrown, SdkError } from "./errors.ts";
import type { RequestReplyHandler } from "./handler.ts";
import { io } from "./protocol.ts";

const { Reader } = protobuf;
const { FromFunction } = io.statefun.sdk.reqreply;

/** The field of both bodies, and of ToFunction and FromFunction; see the .proto files. */
const ENTRY_FIELD = 1;
const ENTRY_TAG = 0x0a;
const FRAME_FIELD = 1000;
/** Of FRAME_FIELD as a varint, in two bytes. */
const FRAME_TAG = [0xc0, 0x3e] as const;
/** Tags and varints in front of an answer, at most. */
const HEAD_BYTES = 16;

/** So long a request is worked on in one go, before its answers so far are written and others get a turn. */
const SLICE_MS = 5;
/** Without an answer for so long, the head is written alone: it tells the runtime that nothing between keeps answers back. */
const SILENT_MS = 50;

export interface FrameCall {
  /** From 1. */
  readonly frame: number;
  /** A ToFunction; once answered, a FromFunction. */
  readonly bytes: Uint8Array;
}

/** Where an answer goes. */
export interface FramesOut {
  /** Nobody is there any more. */
  readonly isGone: boolean;
  /** Sends the head, unless it has been sent. */
  begin(): void;
  /** False: wait for {@link drained} before more is written. */
  write(piece: Uint8Array): boolean;
  /** Resolves when more may be written, or nobody is there any more. */
  drained(): Promise<void>;
  /** `last` may be the whole. */
  end(last: Uint8Array): void;
}

/** @throws SdkError REQUEST_MALFORMED */
export function callsOf(body: Uint8Array): readonly FrameCall[] {
  const calls: FrameCall[] = [];
  const known = new Set<number>();
  try {
    const reader = Reader.create(body);
    while (reader.pos < reader.len) {
      const tag = reader.uint32();
      if (tag >>> 3 !== ENTRY_FIELD) {
        reader.skipType(tag & 7);
        continue;
      }
      const bytes = reader.bytes();
      const frame = frameOf(bytes);
      if (frame === 0) throw new Error("a call has no frame");
      if (known.has(frame)) throw new Error(`frame ${frame} is there twice`);
      known.add(frame);
      calls.push({ frame, bytes });
    }
  } catch (cause) {
    const what = `the request's ${body.length} bytes are no ToFunctions: ${describeThrown(cause)}`;
    throw new SdkError("REQUEST_MALFORMED", what, { cause });
  }
  if (calls.length === 0) throw new SdkError("REQUEST_MALFORMED", "the request holds no call");
  return calls;
}

function frameOf(bytes: Uint8Array): number {
  const reader = Reader.create(bytes);
  let frame = 0;
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    if (tag >>> 3 === FRAME_FIELD && (tag & 7) === 0) frame = reader.uint32();
    else reader.skipType(tag & 7);
  }
  return frame;
}

/** One request being answered. */
export class FramesAnswer {
  readonly #handler: RequestReplyHandler;
  readonly #onError: ((error: SdkError) => void) | undefined;
  readonly #calls: readonly FrameCall[];
  readonly #out: FramesOut;
  #unanswered: number;
  #ready: FrameCall[] = [];
  #isFlushDue = false;
  #isSilent = true;

  /** @param onError told of each call that fails */
  constructor(
    handler: RequestReplyHandler,
    onError: ((error: SdkError) => void) | undefined,
    calls: readonly FrameCall[],
    out: FramesOut,
  ) {
    this.#handler = handler;
    this.#onError = onError;
    this.#calls = calls;
    this.#out = out;
    this.#unanswered = calls.length;
  }

  /**
   * Resolves when all is answered, or nobody listens any more and what has begun has ended. Rejects with
   * what `onError` throws.
   */
  async run(): Promise<void> {
    const out = this.#out;
    if (out.isGone) return;
    const running: Promise<void>[] = [];
    let sinceMs = performance.now();
    for (const call of this.#calls) {
      const answering = this.#start(call);
      if (answering !== undefined) running.push(answering);
      if (performance.now() - sinceMs < SLICE_MS) continue;
      if (this.#unanswered > 0 && !this.#flush()) await out.drained();
      await new Promise<void>(soon);
      if (out.isGone) break;
      sinceMs = performance.now();
    }
    if (running.length > 0) {
      this.#flushSoon();
      const timer = setTimeout(() => this.#begin(), SILENT_MS);
      await Promise.all(running).finally(() => clearTimeout(timer));
    }
    if (!out.isGone) out.end(this.#take());
  }

  #start({ frame, bytes }: FrameCall): Promise<void> | undefined {
    let answer: Uint8Array | Promise<Uint8Array>;
    try {
      answer = this.#handler.answer(bytes);
    } catch (thrown) {
      this.#done(frame, this.#failure(thrown));
      return undefined;
    }
    if (!(answer instanceof Promise)) {
      this.#done(frame, answer);
      return undefined;
    }
    return answer.then(
      (reply) => this.#later(frame, reply),
      (thrown: unknown) => this.#later(frame, this.#failure(thrown)),
    );
  }

  #later(frame: number, bytes: Uint8Array): void {
    this.#done(frame, bytes);
    this.#flushSoon();
  }

  #done(frame: number, bytes: Uint8Array): void {
    this.#unanswered--;
    this.#ready.push({ frame, bytes });
  }

  #failure(thrown: unknown): Uint8Array {
    const error =
      thrown instanceof SdkError
        ? thrown
        : new SdkError("HANDLER_FAILED", describeThrown(thrown), { cause: thrown });
    this.#onError?.(error);
    const { status, code, message } = error;
    return FromFunction.encode({ failure: { status, code, message } }).finish();
  }

  #flushSoon(): void {
    if (this.#isFlushDue || this.#ready.length === 0) return;
    this.#isFlushDue = true;
    soon(() => {
      this.#isFlushDue = false;
      if (this.#unanswered > 0) this.#flush(); // else the end takes it
    });
  }

  #begin(): void {
    if (this.#isSilent && !this.#out.isGone) this.#out.begin();
  }

  /** False when the reader takes no more at the moment. */
  #flush(): boolean {
    if (this.#ready.length === 0 || this.#out.isGone) return true;
    this.#isSilent = false;
    return this.#out.write(this.#take());
  }

  /** What is ready, as one piece of the body. */
  #take(): Uint8Array {
    const ready = this.#ready;
    this.#ready = [];
    const most = ready.reduce((sum, { bytes }) => sum + bytes.length + HEAD_BYTES, 0);
    const piece = new Uint8Array(most);
    let at = 0;
    for (const { frame, bytes } of ready) {
      piece[at++] = ENTRY_TAG;
      at = writeVarint(piece, at, FRAME_TAG.length + varintBytes(frame) + bytes.length);
      piece.set(FRAME_TAG, at);
      at = writeVarint(piece, at + FRAME_TAG.length, frame);
      piece.set(bytes, at);
      at += bytes.length;
    }
    return piece.subarray(0, at);
  }
}

/** After what is going on now; elsewhere than in node only timers can do that. */
const soon: (run: () => void) => void =
  "setImmediate" in globalThis ? (run) => setImmediate(run) : (run) => setTimeout(run, 0);

function varintBytes(value: number): number {
  let bytes = 1;
  for (let rest = value >>> 7; rest > 0; rest >>>= 7) bytes++;
  return bytes;
}

function writeVarint(piece: Uint8Array, from: number, value: number): number {
  let at = from;
  let rest = value;
  for (; rest >= 0x80; rest >>>= 7) piece[at++] = (rest & 0x7f) | 0x80;
  piece[at++] = rest;
  return at;
}
