import { memo } from "../base/memo.ts";
import type { Address } from "../model/address.ts";
import { isTypeName } from "../model/type-name.ts";
import { invalid } from "./problem.ts";

/**
 * Reading a request's target by hand: a URL object would resolve `..`, take `\` for `/` and lower-case,
 * where ids must come through as they are, and it is slow on the path every message takes.
 */
export interface RequestTarget {
  /** Still percent-encoded; begins with '/'. */
  readonly path: string;
  /** Behind the '?'; empty when there is none. */
  readonly query: string;
}

export function splitTarget(url: string): RequestTarget {
  const mark = url.indexOf("?");
  return mark < 0
    ? { path: url, query: "" }
    : { path: url.slice(0, mark), query: url.slice(mark + 1) };
}

/** Bytes a well-behaved client would have percent-encoded; Node hands them over as Latin-1. */
const NOT_ENCODED = /[^\x21-\x7e]/;

/**
 * One segment, decoded.
 *
 * @throws REQUEST_INVALID when its encoding is malformed or no UTF-8
 */
export function decodeSegment(segment: string): string {
  if (NOT_ENCODED.test(segment)) {
    throw invalid(`the path holds bytes that must be percent-encoded, as UTF-8: ${segment}`);
  }
  if (!segment.includes("%")) return segment;
  try {
    return decodeURIComponent(segment);
  } catch {
    throw invalid(
      `the percent-encoding of ${segment} is malformed, or not UTF-8; encode as encodeURIComponent does`,
    );
  }
}

/**
 * The address in `{namespace}/{name}/{id}`, where an id that holds '/' or '%' is percent-encoded.
 *
 * @param rest of the path, without a leading '/'
 * @throws REQUEST_INVALID that says what is missing or too much
 */
export function parseAddress(rest: string): Address {
  const first = rest.indexOf("/");
  const second = first < 0 ? -1 : rest.indexOf("/", first + 1);
  if (second < 0) {
    throw invalid(`/${rest} lacks a part; the path ends in {namespace}/{name}/{id}`);
  }
  if (rest.includes("/", second + 1)) {
    throw invalid(
      `/${rest} has too many parts; the path ends in {namespace}/{name}/{id}, and a '/' inside a part is written %2F`,
    );
  }
  const type = typeIn(rest.slice(0, second));
  const id = decodeSegment(rest.slice(second + 1));
  if (id === "") throw invalid(`the id is empty; the path ends in {namespace}/{name}/{id}`);
  return { type, id };
}

const typeIn = memo((path) => {
  const slash = path.indexOf("/");
  return parseType(path.slice(0, slash), path.slice(slash + 1));
});

function parseType(namespace: string, name: string): string {
  const type = `${decodeSegment(namespace)}/${decodeSegment(name)}`;
  if (!isTypeName(type)) {
    throw invalid(
      `${JSON.stringify(type)} is no function type; it is {namespace}/{name}, with exactly one '/' and neither part empty`,
    );
  }
  return type;
}

/**
 * The parameters of a query; '+' is a space, as forms and URLSearchParams write it. One that is named twice, or that the request does not
 * take, is refused: a typing error must not change what is done.
 *
 * @throws REQUEST_INVALID
 */
export function parseQuery(query: string, allowed: readonly string[]): ReadonlyMap<string, string> {
  const parameters = new Map<string, string>();
  if (query === "") return parameters;
  for (const pair of query.split("&")) {
    if (pair === "") continue;
    const equals = pair.indexOf("=");
    const name = decodeSegment(equals < 0 ? pair : pair.slice(0, equals));
    if (!allowed.includes(name)) {
      const known = allowed.length === 0 ? "it takes none" : `it takes ${allowed.join(", ")}`;
      throw invalid(`this request has no parameter ${JSON.stringify(name)}; ${known}`);
    }
    if (parameters.has(name)) throw invalid(`the parameter ${name} is there twice`);
    parameters.set(
      name,
      equals < 0 ? "" : decodeSegment(pair.slice(equals + 1).replaceAll("+", "%20")),
    );
  }
  return parameters;
}

/**
 * A whole number in a query.
 *
 * @throws REQUEST_INVALID
 */
export function parseCount(name: string, text: string, max: number): number {
  const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (!(value <= max)) throw invalid(`${name}=${text} is no whole number from 0 to ${max}`);
  return value;
}
