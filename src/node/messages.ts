/** What the gateway asks of the partitions: sends, calls, and replies to be fetched later. */

import { unreachable } from "../base/assert.ts";
import { Deadline, Deadlines } from "../base/deadlines.ts";
import { StatefoldError } from "../base/errors.ts";
import type {
  Caller,
  CallRequest,
  LeaveListener,
  Messages,
  SendRequest,
} from "../gateway/ports.ts";
import type { Address } from "../model/address.ts";
import { CALL_TYPE, ownerOf } from "../model/owner.ts";
import { asked } from "./asked.ts";
import type { Partitions } from "./partitions.ts";
import type { Answer, Asker } from "./requests.ts";
import type { Seat } from "./seat.ts";

export class NodeMessages implements Messages {
  readonly #partitions: Partitions;
  readonly #deadlines = new Deadlines();
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
    const answer = await asked(seat, { kind: "send", ...request }).answer;
    if (answer.kind === "accepted") return { messageId: answer.messageId };
    throw refusalOf(answer);
  }

  call(call: CallRequest): void {
    const seat = this.#seatFor(call);
    const { target, value, idempotencyKey, traceparent, headers, timeoutMs, caller } = call;
    const request = seat.newRequest();
    const waiting = new WaitingCaller(this, seat, request, caller, target);
    seat.ask(
      { kind: "call", request, target, value, idempotencyKey, traceparent, headers },
      waiting,
    );
    waiting.begin(this.#deadlines, timeoutMs);
  }

  fetchCall(callId: string, timeoutMs: number, caller: Caller): void {
    let seat: Seat;
    try {
      seat = this.#partitions.ownerOf({ type: CALL_TYPE, id: callId });
    } catch {
      return caller.answered({ kind: "unknown" });
    }
    const request = seat.newRequest();
    const waiting = new WaitingCaller(this, seat, request, caller, undefined);
    seat.ask({ kind: "fetch", request, callId }, waiting);
    waiting.begin(this.#deadlines, timeoutMs);
  }

  /** A call to an address of a partition goes on. Never rejects. */
  async goesOn(
    callId: string,
    seat: Seat,
    target: Address,
    caller: Caller,
    leftMs: number,
  ): Promise<void> {
    // An earlier call with this key, which a restore has put elsewhere.
    const owner = ownerOf({ type: CALL_TYPE, id: callId }, this.#partitions.partitionCount);
    if ((owner ?? seat.index) === seat.index) {
      const obstacle = await obstacleAt(seat, target);
      const result = { kind: "pending", callId } as const;
      return caller.answered(obstacle === undefined ? result : { ...result, obstacle });
    }
    try {
      this.fetchCall(callId, Math.max(0, leftMs), caller);
    } catch (error) {
      caller.failed(error);
    }
  }

  #seatFor(request: SendRequest | CallRequest): Seat {
    if (!this.#isOpen) throw new StatefoldError("UNAVAILABLE", "the node is draining");
    return this.#partitions.ownerOf(request.target);
  }
}

/**
 * A caller who waits for a reply, for so long; then the call is kept, so that it can be fetched. All in one object,
 * since there is one for each call.
 */
class WaitingCaller extends Deadline implements Asker, LeaveListener {
  readonly #messages: NodeMessages;
  readonly #seat: Seat;
  readonly #request: number;
  readonly #caller: Caller;
  /** Undefined: it fetches an earlier call. */
  readonly #target: Address | undefined;
  #deadlines: Deadlines | undefined;

  constructor(
    messages: NodeMessages,
    seat: Seat,
    request: number,
    caller: Caller,
    target: Address | undefined,
  ) {
    super();
    this.#messages = messages;
    this.#seat = seat;
    this.#request = request;
    this.#caller = caller;
    this.#target = target;
  }

  /** It has asked. */
  begin(deadlines: Deadlines, timeoutMs: number): void {
    const { waiter } = this.#caller;
    this.#deadlines = deadlines;
    deadlines.add(this, timeoutMs);
    waiter.listener = this;
    if (waiter.hasLeft) this.waiterLeft();
  }

  late(): void {
    this.#seat.hangUp(this.#request, true);
  }

  waiterLeft(): void {
    this.#seat.hangUp(this.#request, false);
  }

  answered(answer: Answer): void {
    const caller = this.#end();
    switch (answer.kind) {
      case "replied": {
        const { value, messageId } = answer;
        return caller.answered({ kind: "reply", value, messageId });
      }
      case "pending":
        return this.#pending(answer.callId);
      case "unknownCall":
        return caller.answered({ kind: "unknown" });
      case "accepted":
      case "operated":
      case "refused":
        return caller.failed(refusalOf(answer));
      default:
        return unreachable(answer);
    }
  }

  failed(error: unknown): void {
    this.#end().failed(error);
  }

  #pending(callId: string): void {
    const caller = this.#caller;
    const target = this.#target;
    if (target === undefined) return caller.answered({ kind: "pending", callId });
    const leftMs = this.untilMs - performance.now();
    void this.#messages.goesOn(callId, this.#seat, target, caller, leftMs);
  }

  #end(): Caller {
    this.#deadlines?.delete(this);
    this.#caller.waiter.listener = undefined;
    return this.#caller;
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

function refusalOf(answer: Answer): StatefoldError {
  if (answer.kind === "refused") return new StatefoldError(answer.code, answer.reason);
  return new StatefoldError("INTERNAL", `a request was answered with ${answer.kind}`);
}
