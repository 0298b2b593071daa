import { pathToFileURL } from "node:url";
import {
  type AnyStatefulFunction,
  isStatefulFunction,
  type RequestReplyHandler,
  requestReplyHandler,
  SdkError,
} from "@statefold/sdk";
import { describeError, StatefoldError } from "../base/errors.ts";
import type { Invocation, Outcome } from "../model/invocation.ts";
import type { EmbeddedEndpoint } from "../spec/module.ts";
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
  readonly #handler: RequestReplyHandler;
  readonly #gate: Gate;
  readonly #callMs: number;

  constructor(handler: RequestReplyHandler, concurrency: number, callMs: number) {
    this.#handler = handler;
    this.#gate = new Gate({ perType: concurrency, inAll: Number.POSITIVE_INFINITY });
    this.#callMs = callMs;
  }

  get functionTypes(): readonly string[] {
    return this.#handler.typenames;
  }

  invoke(invocation: Invocation, signal: AbortSignal, end: (outcome: Outcome) => void): void {
    const { type } = invocation.target;
    void this.#gate.run(type, signal, () => this.#call(invocation, signal)).then(end);
  }

  async close(): Promise<void> {
    this.#gate.close();
  }

  /** The first of: the handler's answer, its time, the signal. */
  #call(invocation: Invocation, signal: AbortSignal): Promise<Outcome> {
    const request = encodeRequest(invocation);
    return new Promise((resolve) => {
      const end = (outcome: Outcome): void => {
        clearTimeout(timer);
        stopListening();
        resolve(outcome);
      };
      const stopListening = this.#gate.whenCancelled(signal, () => end(CANCELLED));
      const timer = setTimeout(() => {
        const reason = `${invocation.target.type} did not answer within ${this.#callMs} ms`;
        end({ kind: "failed", reason });
      }, this.#callMs);
      this.#handler.handle(request).then(
        (answer) => end(decodeResponse(answer)),
        (thrown: unknown) => end({ kind: "failed", reason: reasonOf(thrown) }),
      );
    });
  }
}

const CANCELLED: Outcome = { kind: "retryLater", reason: "the call was cancelled" };

function reasonOf(thrown: unknown): string {
  const code = thrown instanceof SdkError ? `${thrown.code}: ` : "";
  return `${code}${quote(describeError(thrown))}`;
}
