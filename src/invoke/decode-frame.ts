import { WireError, WireReader } from "../base/wire-reader.ts";
import type { Outcome } from "../model/invocation.ts";
import { classifyFailure, told } from "./classify.ts";
import { decodeResponse } from "./decode-response.ts";

/** A call's answer out of many, and which of them it answers. */
export interface FrameAnswer {
  readonly frame: number;
  readonly outcome: Outcome;
}

interface Failure {
  readonly status: number;
  readonly said: string;
}

/**
 * One FromFunction of a FromFunctions. Whatever is wrong with it but its frame, fails its call alone.
 *
 * @param from the URL, for reasons
 * @throws WireError when it cannot be told which call it answers
 */
export function decodeFrame(bytes: Uint8Array, from: string): FrameAnswer {
  const reader = new WireReader(bytes);
  let frame = 0;
  let failure: Failure | undefined;
  for (let field = reader.field(); field !== 0; field = reader.field()) {
    if (field === 1000) frame = reader.enumeration("a frame");
    else if (field === 1001) failure = reader.message("a failure", readFailure);
    else reader.skip();
  }
  if (frame <= 0) throw new WireError("an answer has no frame");
  const outcome =
    failure === undefined
      ? told(from, decodeResponse(bytes))
      : classifyFailure(failure.status, failure.said, from);
  return { frame, outcome };
}

function readFailure(reader: WireReader): Failure {
  let status = 0;
  let code = "";
  let message = "";
  for (let field = reader.field(); field !== 0; field = reader.field()) {
    if (field === 1) status = reader.enumeration("a failure's status");
    else if (field === 2) code = reader.string("a failure's code");
    else if (field === 3) message = reader.string("a failure's message");
    else reader.skip();
  }
  return { status, said: code === "" ? message : `${code}: ${message}` };
}
