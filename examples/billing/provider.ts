/**
 * A payment provider as one meets them: it answers late, twice, or with a refusal. What it does with a
 * payment follows from the seed and the payment's id alone, so it may be stopped, started, and asked again.
 * Topics and clock are handed in.
 */
import { share } from "./demo/share.ts";
import type { PaymentRequest, PaymentResult } from "./messages.ts";

export interface ProviderOptions {
  readonly seed: number;
  /** Shares of all payments, from 0 to 1. Defaults: 0.1, 0.1, 0.1. */
  readonly refused?: number;
  readonly late?: number;
  readonly twice?: number;
  /** How long an answer takes, and a late or second one. Defaults: 20 and 1500 ms. */
  readonly answerMs?: number;
  readonly lateMs?: number;
}

/** One record for the topic of results. */
export interface PaymentAnswer {
  /** The record's key: the subscription's id. */
  readonly key: string;
  readonly result: PaymentResult;
  /** After the request, in ms. */
  readonly afterMs: number;
}

/** What the provider answers to one request: one or two records, in the order of time. */
export function answersTo(request: PaymentRequest, options: ProviderOptions): PaymentAnswer[] {
  const { refused = 0.1, late = 0.1, twice = 0.1, answerMs = 20, lateMs = 1500 } = options;
  const { paymentId, subscription: key } = request;
  const chance = (what: string) => share(`${options.seed} ${what} ${paymentId}`);
  const result: PaymentResult = { paymentId, paid: chance("refused") >= refused };
  const afterMs = chance("late") < late ? lateMs : answerMs;
  const answer = { key, result, afterMs };
  return chance("twice") < twice ? [answer, { ...answer, afterMs: afterMs + lateMs }] : [answer];
}

/** What the provider needs of the world. */
export interface ProviderPorts {
  /** Payment requests as they come; the provider ends when they do. */
  readonly requests: AsyncIterable<PaymentRequest>;
  /** Appends to the topic of results. */
  readonly publish: (answer: PaymentAnswer) => Promise<void>;
  /** Resolves after so many ms. */
  readonly sleep: (ms: number) => Promise<void>;
}

/** Answers every request; resolves when the requests have ended and the last answer is out. */
export async function runProvider(ports: ProviderPorts, options: ProviderOptions): Promise<void> {
  const open = new Set<Promise<void>>();
  let failed: { readonly error: unknown } | undefined;
  for await (const request of ports.requests) {
    if (failed !== undefined) break;
    for (const answer of answersTo(request, options)) {
      const publishing = ports
        .sleep(answer.afterMs)
        .then(() => ports.publish(answer))
        .catch((error: unknown) => {
          failed = { error };
        })
        .finally(() => open.delete(publishing));
      open.add(publishing);
    }
  }
  await Promise.all(open);
  if (failed !== undefined) throw failed.error;
}
