import type { IncomingMessage } from "node:http";
import { io } from "@statefold/sdk/protocol";
import { CONFORMANCE_TYPE, call, offersOf, postOrdinary } from "../contracts/frames-asking.ts";

const { ToFunction } = io.statefun.sdk.reqreply;

const ANSWERS_WITHIN_MS = 10_000;

/** Why a server cannot be asked for frames at all, in a line; undefined when it can. */
export async function objectionTo(url: string): Promise<string | undefined> {
  const protocol = URL.canParse(url) ? new URL(url).protocol : "";
  if (protocol !== "http:" && protocol !== "https:") {
    return `${url} is no http URL; http://127.0.0.1:9000/ would be one`;
  }
  let response: IncomingMessage;
  try {
    response = await answerOf(url);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return `nothing answers at ${url}: ${code ?? message}`;
  }
  response.destroy();
  const { statusCode = 0 } = response;
  if (statusCode < 200 || statusCode > 299) {
    return `${url} answers an ordinary request for ${CONFORMANCE_TYPE} with ${statusCode}; it has to serve that function (docs/frames.md#conformance)`;
  }
  const offers = offersOf(response);
  if (offers.length === 0) {
    return `${url} offers no frames: a plain server; its ordinary answers lack the header statefold-frames: 1`;
  }
  if (offers.includes("1")) return undefined;
  return `${url} offers frames of version ${offers.join(", ")}; these checks are for version 1`;
}

/** Its head. */
async function answerOf(url: string): Promise<IncomingMessage> {
  const one = ToFunction.encode(call(0, "ada", "count", { count: 0 })).finish();
  const answer = postOrdinary(url, Buffer.from(one));
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const error = new Error(`no answer within ${ANSWERS_WITHIN_MS / 1_000} s`);
    timer = setTimeout(() => reject(error), ANSWERS_WITHIN_MS);
  });
  return await Promise.race([answer, late]).finally(() => clearTimeout(timer));
}
