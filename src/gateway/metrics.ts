import {
  type HistogramDefinition,
  type MetricDefinition,
  SECONDS_BUCKETS,
} from "../telemetry/metrics.ts";

/** `route` is one of the fixed names of router.ts, never a path. */
export const REQUESTS: MetricDefinition<"route" | "status"> = {
  name: "statefold_http_requests_total",
  unit: "requests",
  description: "HTTP requests, by route and status; 499: the caller hung up.",
  labels: ["route", "status"],
};

export const REQUEST_SECONDS: HistogramDefinition<"route"> = {
  name: "statefold_http_request_seconds",
  unit: "seconds",
  description: "From a request's headers to its answer; to its end, for followers of topics.",
  labels: ["route"],
  buckets: SECONDS_BUCKETS,
};

export const IN_FLIGHT: MetricDefinition<never> = {
  name: "statefold_http_in_flight_requests",
  unit: "requests",
  description: "HTTP requests that are being answered.",
  labels: [],
};

export const BUFFERED: MetricDefinition<never> = {
  name: "statefold_http_buffered_bytes",
  unit: "bytes",
  description: "Bodies of HTTP requests, and answers that were not taken yet, held in memory.",
  labels: [],
};

export const UNSENT: MetricDefinition<never> = {
  name: "statefold_http_unsent_bytes",
  unit: "bytes",
  description: "Large answers to HTTP requests that their readers have not taken.",
  labels: [],
};
