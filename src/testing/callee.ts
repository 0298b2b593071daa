import {
  type AnyStatefulFunction,
  type RequestReplyHandler,
  requestReplyHandler,
  SdkError,
} from "@statefold/sdk";
import { describeError } from "../base/errors.ts";
import { decodeResponse } from "../invoke/decode-response.ts";
import { encodeRequest } from "../invoke/encode-request.ts";
import type { Address } from "../model/address.ts";
import type { Invocation, Outcome } from "../model/invocation.ts";
import type { KnownTypes } from "./known-types.ts";
import { type MessageView, viewMessage } from "./views.ts";

/** A call that failed: nothing of it happened. */
export interface FunctionFailure {
  readonly address: Address;
  readonly atMs: number;
  /** 1 when none of the messages had been delivered before. */
  readonly attempt: number;
  /** All messages of the call. */
  readonly messages: readonly MessageView[];
  /** Code and text, as the runtime is told. */
  readonly reason: string;
  /** What the handler threw, where it did. */
  readonly error: unknown;
}

/** Calls functions in process, through the same bytes as over HTTP. */
export class Callee {
  readonly failures: FunctionFailure[] = [];
  readonly #types: KnownTypes;
  #handler: RequestReplyHandler;

  constructor(functions: readonly AnyStatefulFunction[], types: KnownTypes) {
    this.#types = types;
    this.#handler = this.deploy(functions);
  }

  /** From the next call on it is these. */
  deploy(functions: readonly AnyStatefulFunction[]): RequestReplyHandler {
    this.#handler = requestReplyHandler(functions);
    this.#types.learn(functions);
    return this.#handler;
  }

  serves(type: string): boolean {
    return this.#handler.typenames.includes(type);
  }

  /** Never rejects. */
  async call(invocation: Invocation, nowMs: number): Promise<Outcome> {
    let outcome: Outcome;
    let error: unknown;
    try {
      outcome = decodeResponse(await this.#handler.handle(encodeRequest(invocation)));
    } catch (thrown) {
      const isOurs = thrown instanceof SdkError;
      const reason = `${isOurs ? `${thrown.code}: ` : ""}${describeError(thrown)}`;
      outcome = { kind: "failed", reason };
      error = isOurs ? (thrown.cause ?? thrown) : thrown;
    }
    if (outcome.kind === "failed") {
      const { target: address, attempt } = invocation;
      const messages = invocation.messages.map((message) => viewMessage(message, this.#types));
      this.failures.push({
        ...{ address, atMs: nowMs, attempt, messages, reason: outcome.reason, error },
      });
    }
    return outcome;
  }
}
