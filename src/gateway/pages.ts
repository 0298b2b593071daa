import type { PageQuery } from "./admin-port.ts";
import { invalid } from "./problem.ts";
import { parseCount } from "./request-path.ts";

const DEFAULT_PAGE = 100;
export const MAX_PAGE = 1_000;

/**
 * `?after=` and `?limit=` of a list.
 *
 * @throws REQUEST_INVALID
 */
export function pageOf(query: ReadonlyMap<string, string>): PageQuery {
  const limit = parseCount("limit", query.get("limit") ?? String(DEFAULT_PAGE), MAX_PAGE);
  if (limit === 0) throw invalid(`limit=0 would be nothing; it is 1 to ${MAX_PAGE}`);
  return { after: query.get("after"), limit };
}
