/**
 * The wire, as generated from proto/: the door through which the runtime and other implementations of the
 * protocol reach it. `io.statefun.sdk.reqreply` is the exchange, `io.statefun.sdk.types` the built-in
 * types, `io.statefun.sdk.egress` what the Kafka and Kinesis egresses take.
 */
export { io } from "../generated/protocol.js";

/** An int64 field as the decoder hands it over. */
export type Int64 = number | { toNumber(): number };

/** A 64-bit field as a number; beyond 2^53 it is rounded. */
export function int64ToNumber(value: Int64 | null | undefined): number {
  if (value === null || value === undefined) return 0;
  return typeof value === "number" ? value : value.toNumber();
}

/** What says in an answer that the server takes requests of many calls, and in which versions: `1`. */
export const FRAMES_HEADER = "statefold-frames";
export const FRAMES_VERSION = "1";
/** The content type of such a request, and of its answer. */
export const FRAMES_TYPE = "application/vnd.statefold.frames.v1";
