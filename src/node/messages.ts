/** What the gateway asks of the partitions: sends, calls, and replies to be fetched later. */

import { unreachable } from "../base/assert.ts";
import { StatefoldError } from "../base/errors.ts";
import type { CallRequest, CallResult, Messages, SendRequest, Waiter } from "../gateway/ports.ts";
import type { Address } from "../model/address.ts";
import { CALL_TYPE, ownerOf } from "../model/owner.ts";
import type { Partitions } from "./partitions.ts";
import type { Answer } from "./requests.ts";
import type { Seat } from "./seat.ts";

export class NodeMessages implements Messages {
  readonly #partitions: Partitions;
  #isOpen = true;

  constructor(partitions: Partitions) {
    this.#partitions = partitions;
  }

  /** From now on nothing new is taken: the node drains. */
  close(): void {
    this.#isOpen = false;
  }

  async send(request: SendRequest): Promise<{ messageId: string }> {
    const seat = this.#seatFor(request);
    const { answer } = seat.ask({ kind: "send", ...request });
    const release = await answer;
    if (release.kind === "accepted") return { messageId: release.messageId };
    throw refusalOf(release);
  }

  async call(request: CallRequest): Promise<CallResult> {
    const seat = this.#seatFor(request);
    const { target, value, idempotencyKey, traceparent, headers, timeoutMs, waiter } = request;
    const untilMs = performance.now() + timeoutMs;
    const call = { kind: "call", target, value, idempotencyKey, traceparent, headers } as const;
    const { request: number, answer } = seat.ask(call);
    const result = await this.#reply(seat, number, answer, timeoutMs, waiter);
    if (result.kind !== "pending") return result;
    // An earlier call with this key, which a restore has put elsewhere.
    const at = { type: CALL_TYPE, id: result.callId };
    if ((ownerOf(at, this.#partitions.partitionCount) ?? seat.index) !== seat.index) {
      return await this.fetchCall(result.callId, Math.max(0, untilMs - performance.now()), waiter);
    }
    const obstacle = await obstacleAt(seat, request.target);
    return obstacle === undefined ? result : { ...result, obstacle };
  }

  async fetchCall(callId: string, timeoutMs: number, waiter: Waiter): Promise<CallResult> {
    let seat: Seat;
    try {
      seat = this.#partitions.ownerOf({ type: CALL_TYPE, id: callId });
    } catch {
      return { kind: "unknown" };
    }
    const { request, answer } = seat.ask({ kind: "fetch", callId });
    return await this.#reply(seat, request, answer, timeoutMs, waiter);
  }

  /** Waits for a reply, for so long; then the call is kept, so that it can be fetched. */
  async #reply(
    seat: Seat,
    request: number,
    answer: Promise<Answer>,
    timeoutMs: number,
    waiter: Waiter,
  ): Promise<CallResult> {
    const timer = setTimeout(() => seat.hangUp(request, true), timeoutMs);
    const leave = () => seat.hangUp(request, false);
    waiter.onLeave = leave;
    if (waiter.hasLeft) leave();
    try {
      const release = await answer;
      switch (release.kind) {
        case "replied":
          return { kind: "reply", value: release.value, messageId: release.messageId };
        case "pending":
          return { kind: "pending", callId: release.callId };
        case "unknownCall":
          return { kind: "unknown" };
        case "accepted":
        case "operated":
        case "refused":
          throw refusalOf(release);
        default:
          return unreachable(release);
      }
    } finally {
      clearTimeout(timer);
      waiter.onLeave = undefined;
    }
  }

  #seatFor(request: SendRequest | CallRequest): Seat {
    if (!this.#isOpen) throw new StatefoldError("UNAVAILABLE", "the node is draining");
    return this.#partitions.ownerOf(request.target);
  }
}

/** Undefined also while the partition is down. */
async function obstacleAt(seat: Seat, address: Address): Promise<string | undefined> {
  try {
    return await seat.look("obstacle", { address });
  } catch {
    return undefined;
  }
}

function refusalOf(release: Answer): StatefoldError {
  if (release.kind === "refused") return new StatefoldError(release.code, release.reason);
  return new StatefoldError("INTERNAL", `a request was answered with ${release.kind}`);
}
