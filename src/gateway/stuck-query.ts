import { ERRORS } from "../base/errors.ts";
import type { StuckQuery } from "./admin-port.ts";
import { durationParameter } from "./duration.ts";
import type { Exchange } from "./exchange.ts";
import { pageOf } from "./pages.ts";
import { invalid } from "./problem.ts";
import { parseQuery } from "./request-path.ts";

/** Conditions on stuck work, by their names in a query. */
const CONDITIONS = ["type", "code", "reason", "olderThan"] as const;
const MAX_AGE_MS = 100 * 365 * 24 * 60 * 60 * 1000;

/**
 * Which parked addresses or dead letters a list shows.
 *
 * @throws REQUEST_INVALID
 */
export function listQuery(exchange: Exchange): StuckQuery {
  const query = parseQuery(exchange.query, [...CONDITIONS, "after", "limit"]);
  return stuckQuery(query, Date.now());
}

/**
 * Which ones a decision about many is for. Without a condition it must say `all`, so that one forgotten
 * does not mean everything. What gets stuck after the first page was asked for is not meant, else a pass
 * over what fails again would never end: `next` carries that time.
 *
 * @throws REQUEST_INVALID
 */
export function bulkQuery(exchange: Exchange): { query: StuckQuery; startedAtMs: number } {
  const query = new Map(parseQuery(exchange.query, [...CONDITIONS, "all", "after", "limit"]));
  const hasCondition = CONDITIONS.some((name) => query.has(name));
  if (hasCondition === query.has("all")) {
    throw invalid(`it takes one of ${CONDITIONS.join(", ")} at least, or all`);
  }
  let startedAtMs = Date.now();
  const after = query.get("after");
  if (after !== undefined) {
    const [, started, rest] = /^(\d{1,16})~(.+)$/.exec(after) ?? [];
    if (started === undefined || rest === undefined) {
      throw invalid("after= is not the next= of a page of this");
    }
    startedAtMs = Number(started);
    query.set("after", rest);
  }
  const found = stuckQuery(query, startedAtMs);
  return { query: { ...found, untilMs: found.untilMs ?? startedAtMs }, startedAtMs };
}

/** The other half of {@link bulkQuery}. */
export function bulkCursor(startedAtMs: number, next: string | undefined): string | undefined {
  return next === undefined ? undefined : `${startedAtMs}~${next}`;
}

function stuckQuery(query: ReadonlyMap<string, string>, nowMs: number): StuckQuery {
  const age = query.get("olderThan");
  const code = query.get("code");
  if (code !== undefined && !(code in ERRORS)) throw invalid(`there is no code ${code}`);
  return {
    ...pageOf(query),
    ...{ type: query.get("type"), code, reason: query.get("reason") },
    untilMs:
      age === undefined ? undefined : nowMs - durationParameter("olderThan", age, MAX_AGE_MS),
  };
}
