import type { DeliverySettings, RetrySettings } from "../module.ts";
import { object } from "../reader/object.ts";
import { optional, type Reader, refined } from "../reader/reader.ts";
import { duration, integer, oneOf } from "../reader/scalars.ts";

const DEFAULT_RETRY: RetrySettings = { maxAttempts: 5, initialMs: 100, maxMs: 30_000 };

/** What holds where a module says nothing. */
export const DEFAULT_DELIVERY: DeliverySettings = {
  onFailure: "park",
  retry: DEFAULT_RETRY,
  concurrency: 64,
  delivery: "immediate",
  maxNumBatchRequests: 1000,
};

const retry = object({
  fields: {
    maxAttempts: optional(integer({ atLeast: 1 }), DEFAULT_RETRY.maxAttempts),
    initial: optional(duration(), DEFAULT_RETRY.initialMs),
    max: optional(duration(), DEFAULT_RETRY.maxMs),
  },
  check({ initial, max }, at) {
    if (initial === undefined || max === undefined || initial <= max) return;
    const last = at.member("max");
    if (last.isGiven) last.problem("must not be shorter than initial, the pause it grows from");
    else at.member("initial").problem("must not be longer than max, whose default is 30s");
  },
  build: ({ maxAttempts, initial, max }): RetrySettings => ({
    maxAttempts,
    initialMs: initial,
    maxMs: max,
  }),
});

/** Zero and less mean "no limit" in StateFun. */
function batchLimit(written: Reader<number>): Reader<number> {
  return refined(written, (limit) => (limit <= 0 ? Number.POSITIVE_INFINITY : limit));
}

/** A number without quotes, as StateFun's v1 endpoint demands; a placeholder may stand for it. */
const unquotedInteger: Reader<number> = {
  ...integer(),
  read(at) {
    const isQuoted = at.node?.kind === "text" && at.node.isQuoted && !at.node.text.includes("${");
    return isQuoted ? at.problem("must be a whole number without quotes") : integer().read(at);
  },
};

const common = {
  onFailure: optional(oneOf(["park", "deadLetter", "skip"]), DEFAULT_DELIVERY.onFailure),
  retry: optional(retry, DEFAULT_DELIVERY.retry),
  concurrency: optional(integer({ atLeast: 1 }), DEFAULT_DELIVERY.concurrency),
  delivery: optional(oneOf(["immediate", "committed"]), DEFAULT_DELIVERY.delivery),
};

/** The fields of every endpoint that say how messages are delivered, whatever the transport. */
export const deliveryFields = {
  ...common,
  maxNumBatchRequests: optional(batchLimit(integer()), DEFAULT_DELIVERY.maxNumBatchRequests),
};

export const deliveryFieldsV1 = {
  ...common,
  maxNumBatchRequests: optional(batchLimit(unquotedInteger), DEFAULT_DELIVERY.maxNumBatchRequests),
};
