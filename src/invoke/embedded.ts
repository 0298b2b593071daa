import { pathToFileURL } from "node:url";
import {
  type AnyStatefulFunction,
  isStatefulFunction,
  type RequestReplyHandler,
  requestReplyHandler,
  SdkError,
} from "@statefold/sdk";
import { Deadline, Deadlines } from "../base/deadlines.ts";
import { describeError, StatefoldError } from "../base/errors.ts";
import type { Invocation, Outcome } from "../model/invocation.ts";
import type { EmbeddedEndpoint } from "../spec/module.ts";
import type { Cancellable } from "./cancellations.ts";
import type { Invoker } from "./contract.ts";
import { decodeResponse } from "./decode-response.ts";
import { encodeRequest } from "./encode-request.ts";
import { Gate } from "./gate.ts";
import { quote } from "./quote.ts";

/*
 * SDK functions loaded from a module file and called in this process, through the same bytes as over
 * HTTP, so that a function cannot tell the difference.
 *
 * A call that does not end is given up after its time and counts as *failed*: there is no endpoint that
 * could be down, so it is this batch that hangs, and only a failed batch is ever split, parked and shown.
 * What was given up cannot be stopped and may go on; its answer is dropped. It does not keep its slot,
 * or a few messages could stop all others (I6); how many such calls there can be is bounded by the
 * attempts the partition makes. A handler that never lets go of the thread stops the process: functions
 * that may do that belong behind HTTP.
 */

/** The budget of one call, as the async transport's. */
export const EMBEDDED_CALL_MS = 120_000;

export interface EmbeddedInvoker extends Invoker {
  /** The function types the module serves, sorted. */
  readonly functionTypes: readonly string[];
}

/**
 * Loads the module and finds its functions: whatever it exports, by name or as default, that was made by
 * `statefulFunction`, alone or in a list.
 *
 * @throws StatefoldError CONFIG_INVALID when the file cannot be loaded or exports no function
 */
export async function openEmbeddedInvoker(
  endpoint: EmbeddedEndpoint,
  callMs: number = EMBEDDED_CALL_MS,
): Promise<EmbeddedInvoker> {
  const { place, module } = endpoint;
  const where = `${place.file}:${place.line}:${place.column}: module: ${module}`;
  let handler: RequestReplyHandler;
  try {
    handler = requestReplyHandler(functionsOf(await import(pathToFileURL(module).href)));
  } catch (error) {
    throw new StatefoldError(
      "CONFIG_INVALID",
      `${where} cannot be loaded: ${describeError(error)}`,
      { cause: error },
    );
  }
  if (handler.typenames.length === 0) {
    throw new StatefoldError(
      "CONFIG_INVALID",
      `${where} exports no function; export what statefulFunction() of @statefold/sdk returns`,
    );
  }
  return new InProcessInvoker(handler, endpoint.concurrency, callMs);
}

/** A function exported twice, by name and as default, is one function. */
function functionsOf(exports: object): Set<AnyStatefulFunction> {
  const exported = Object.values(exports).flatMap((each: unknown) => each);
  return new Set(exported.filter(isStatefulFunction));
}

class InProcessInvoker implements EmbeddedInvoker {
  readonly isOnFrames = false;
  readonly #house: House;
  readonly #gate: Gate;

  constructor(handler: RequestReplyHandler, concurrency: number, callMs: number) {
    this.#gate = new Gate({ perType: concurrency, inAll: Number.POSITIVE_INFINITY });
    this.#house = { handler, gate: this.#gate, deadlines: new Deadlines(), callMs };
  }

  get functionTypes(): readonly string[] {
    return this.#house.handler.typenames;
  }

  invoke(invocation: Invocation, signal: AbortSignal, end: (outcome: Outcome) => void): void {
    const { type } = invocation.target;
    const slot = this.#gate.tryEnter(type, signal);
    if (slot !== undefined) {
      this.#begin(invocation, signal, (outcome) => {
        this.#gate.leave(type, slot);
        end(outcome);
      });
      return;
    }
    const inTurn = (): Promise<Outcome> =>
      new Promise((resolve) => this.#begin(invocation, signal, resolve));
    void this.#gate.run(type, signal, inTurn).then(end);
  }

  async close(): Promise<void> {
    this.#gate.close();
  }

  #begin(invocation: Invocation, signal: AbortSignal, end: (outcome: Outcome) => void): void {
    const call = new EmbeddedCall(invocation, signal, this.#house, end);
    call.begin();
  }
}

/** What all calls of an invoker share. */
interface House {
  readonly handler: RequestReplyHandler;
  readonly gate: Gate;
  readonly deadlines: Deadlines;
  readonly callMs: number;
}

/** A call, which ends with the first of: the handler's answer, its time, the signal. */
class EmbeddedCall extends Deadline implements Cancellable {
  readonly #invocation: Invocation;
  readonly #signal: AbortSignal;
  readonly #house: House;
  #end: ((outcome: Outcome) => void) | undefined;

  constructor(
    invocation: Invocation,
    signal: AbortSignal,
    house: House,
    end: (outcome: Outcome) => void,
  ) {
    super();
    this.#invocation = invocation;
    this.#signal = signal;
    this.#house = house;
    this.#end = end;
  }

  begin(): void {
    const { handler, gate, deadlines, callMs } = this.#house;
    gate.listen(this.#signal, this);
    deadlines.add(this, callMs);
    // Behind what else the turn does that asks for it: a function may take the thread for long.
    queueMicrotask(() => this.#run(handler));
  }

  #run(handler: RequestReplyHandler): void {
    if (this.#end === undefined) return;
    const answer = this.#ask(handler);
    if (!(answer instanceof Promise)) return this.#over(answer);
    answer.then(
      (bytes) => this.#over(decodeResponse(bytes)),
      (thrown: unknown) => this.#over(failed(thrown)),
    );
  }

  /** At once where the function is not asynchronous. */
  #ask(handler: RequestReplyHandler): Outcome | Promise<Uint8Array> {
    try {
      const answer = handler.answer(encodeRequest(this.#invocation));
      return answer instanceof Promise ? answer : decodeResponse(answer);
    } catch (thrown) {
      return failed(thrown);
    }
  }

  late(): void {
    const reason = `${this.#invocation.target.type} did not answer within ${this.#house.callMs} ms`;
    this.#over({ kind: "failed", reason });
  }

  cancel(): void {
    this.#over(CANCELLED);
  }

  #over(outcome: Outcome): void {
    const end = this.#end;
    if (end === undefined) return; // it was given up, and answers after all
    this.#end = undefined;
    this.#house.deadlines.delete(this);
    this.#house.gate.ignore(this.#signal, this);
    end(outcome);
  }
}

const CANCELLED: Outcome = { kind: "retryLater", reason: "the call was cancelled" };

function failed(thrown: unknown): Outcome {
  const code = thrown instanceof SdkError ? `${thrown.code}: ` : "";
  return { kind: "failed", reason: `${code}${quote(describeError(thrown))}` };
}
