import { DURATION_EXAMPLES, parseDuration } from "../base/duration.ts";
import { invalid } from "./problem.ts";

/**
 * A duration in a query, in ms, written as in module.yaml.
 *
 * @param name of the parameter, for the message
 * @throws REQUEST_INVALID
 */
export function durationParameter(name: string, text: string, maxMs: number): number {
  const ms = parseDuration(text);
  if (ms === undefined) throw invalid(`${name}=${text} is no duration ${DURATION_EXAMPLES}`);
  if (ms > maxMs) throw invalid(`${name}=${text} is too long; at most ${maxMs / 1000}s`);
  return ms;
}
