/**
 * What a function's server answers to a request of many calls: each struck call gets something that is
 * wrong by itself, and the whole is cut off, mislabelled or garbled now and then. Whoever shares the request
 * must come through it.
 */
import { FRAMES_TYPE, io } from "@statefold/sdk/protocol";
import type { Rng } from "../support/rng.ts";
import { type Answering, repliesTo } from "./stage.ts";
import { anyFromFunction, delimited, int, text } from "./wire.ts";

const { FromFunction, ToFunctions } = io.statefun.sdk.reqreply;

/** @param isStruck whether this call of an address is to be answered badly */
export function framesAnswering(
  rng: () => Rng | undefined,
  isStruck: (id: string, values: readonly Uint8Array[]) => boolean,
): Answering {
  return (socket, request) => {
    const { calls } = ToFunctions.decode(request);
    const answers: Buffer[] = [];
    let strikes = 0;
    for (const { frame, invocation } of calls) {
      const batch = invocation?.invocations ?? [];
      const values = batch.map(({ argument }) => argument?.value ?? new Uint8Array(0));
      const chance = rng();
      const id = invocation?.target?.id ?? "";
      if (chance !== undefined && isStruck(id, values)) {
        strikes++;
        answers.push(...badly(chance, frame ?? 0));
      } else {
        const invocationResult = { outgoingMessages: repliesTo(batch) };
        const whole = FromFunction.encode({ frame: frame ?? 0, invocationResult }).finish();
        answers.push(delimited(1, whole));
      }
    }
    const chance = rng();
    const body = Buffer.concat(answers);
    if (chance === undefined || strikes === 0) return void socket.write(answerOf(body));
    sabotaged(chance, body)(socket, request);
  };
}

/** Something in the place of a call's answer. */
function badly(rng: Rng, frame: number): Buffer[] {
  const own = int(1000, frame);
  switch (rng.int(8)) {
    case 0: // none
      return [];
    case 1: // two
      return [1, 2].map(() => delimited(1, own, anyFromFunction(rng, 0.1)));
    case 2: // of nobody
      return [delimited(1, int(1000, rng.pick([0n, -1n, 2n ** 32n, 100_000n])))];
    case 3: {
      const status = rng.pick([0n, -1n, 200n, 404n, 500n, 503n, 2n ** 40n]);
      const failure = delimited(
        1001,
        int(1, status),
        text(2, "X"),
        text(3, "\0".repeat(rng.int(9))),
      );
      return [delimited(1, own, failure)];
    }
    case 4: // more than an answer may be
      return [delimited(1, own, delimited(50, Buffer.alloc(1_000_001)))];
    default:
      return [delimited(1, own, anyFromFunction(rng, rng.pick([0, 0.05, 0.3])))];
  }
}

/** The answer as a whole, or what comes instead of it. */
function sabotaged(rng: Rng, body: Buffer): Answering {
  const whole = answerOf(body);
  switch (rng.int(12)) {
    case 0: // cut off
      return (socket) =>
        void socket.write(whole.subarray(0, rng.int(whole.byteLength)), () => socket.destroy());
    case 1: // nonsense in it
      return (socket) => void socket.write(answerOf(Buffer.concat([body, rng.bytes(20)])));
    case 2: // the end of a frame missing, though the answer is complete
      return (socket) =>
        void socket.write(answerOf(body.subarray(0, rng.int(body.byteLength + 1))));
    case 3: {
      const head = `HTTP/1.1 ${rng.pick([200, 413, 415, 500, 503])} X\r\ncontent-length: 0\r\n\r\n`;
      return (socket) => void socket.write(head);
    }
    case 4: // a length of 2^63
      return (socket) =>
        void socket.write(
          answerOf(Buffer.concat([body, Buffer.from("0affffffffffffffff7f", "hex")])),
        );
    default:
      return (socket) => void socket.write(whole);
  }
}

function answerOf(body: Uint8Array): Buffer {
  const head = `HTTP/1.1 200 X\r\ncontent-type: ${FRAMES_TYPE}\r\ncontent-length: ${body.byteLength}\r\n\r\n`;
  return Buffer.concat([Buffer.from(head), body]);
}
