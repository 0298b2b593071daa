/** What the gateway asks of the partitions: sends, calls, and replies to be fetched later. */

import { unreachable } from "../base/assert.ts";
import { StatefoldError } from "../base/errors.ts";
import type { CallRequest, CallResult, Messages, SendRequest, Waiter } from "../gateway/ports.ts";
import { CALL_TYPE, ownerOf } from "../model/owner.ts";
import { obstacleOf } from "./obstacle.ts";
import type { PartitionHost } from "./partition-host.ts";
import type { Partitions } from "./partitions.ts";
import type { Answer } from "./requests.ts";

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
    const host = this.#hostFor(request);
    const { answer } = host.ask({ kind: "send", ...request });
    const release = await answer;
    if (release.kind === "accepted") return { messageId: release.messageId };
    throw refusalOf(release);
  }

  async call(request: CallRequest): Promise<CallResult> {
    const host = this.#hostFor(request);
    const { target, value, idempotencyKey, traceparent, headers, timeoutMs, waiter } = request;
    const untilMs = performance.now() + timeoutMs;
    const call = { kind: "call", target, value, idempotencyKey, traceparent, headers } as const;
    const { request: number, answer } = host.ask(call);
    const result = await this.#reply(host, number, answer, timeoutMs, waiter);
    const { partition } = host;
    if (result.kind !== "pending" || partition === undefined) return result;
    // An earlier call with this key, which a restore has put elsewhere.
    const at = { type: CALL_TYPE, id: result.callId };
    if ((ownerOf(at, this.#partitions.partitionCount) ?? host.index) !== host.index) {
      return await this.fetchCall(result.callId, Math.max(0, untilMs - performance.now()), waiter);
    }
    const obstacle = obstacleOf(partition, request.target);
    return obstacle === undefined ? result : { ...result, obstacle };
  }

  async fetchCall(callId: string, timeoutMs: number, waiter: Waiter): Promise<CallResult> {
    let host: PartitionHost;
    try {
      host = this.#partitions.ownerOf({ type: CALL_TYPE, id: callId });
    } catch {
      return { kind: "unknown" };
    }
    const { request, answer } = host.ask({ kind: "fetch", callId });
    return await this.#reply(host, request, answer, timeoutMs, waiter);
  }

  /** Waits for a reply, for so long; then the call is kept, so that it can be fetched. */
  async #reply(
    host: PartitionHost,
    request: number,
    answer: Promise<Answer>,
    timeoutMs: number,
    waiter: Waiter,
  ): Promise<CallResult> {
    const timer = setTimeout(() => host.hangUp(request, true), timeoutMs);
    const leave = () => host.hangUp(request, false);
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

  #hostFor(request: SendRequest | CallRequest): PartitionHost {
    if (!this.#isOpen) throw new StatefoldError("UNAVAILABLE", "the node is draining");
    const host = this.#partitions.ownerOf(request.target);
    const fullBy = host.fullFor(request.target.type);
    if (fullBy !== undefined) throw new StatefoldError("OVERLOADED", fullBy);
    return host;
  }
}

function refusalOf(release: Answer): StatefoldError {
  if (release.kind === "refused") return new StatefoldError(release.code, release.reason);
  return new StatefoldError("INTERNAL", `a request was answered with ${release.kind}`);
}
