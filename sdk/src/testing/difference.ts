import { inspect } from "../errors.ts";

export interface Difference {
  /** Where, as one would write it: `egress[0].value.id`. */
  readonly path: string;
  readonly first: string;
  readonly second: string;
}

/** The first place in which two plain values differ, or undefined. */
export function difference(first: unknown, second: unknown, path = ""): Difference | undefined {
  if (Object.is(first, second)) return undefined;
  if (isObject(first) && isObject(second) && Array.isArray(first) === Array.isArray(second)) {
    const keys = new Set([...Object.keys(first), ...Object.keys(second)]);
    for (const key of keys) {
      const found = difference(first[key], second[key], step(path, key, Array.isArray(first)));
      if (found !== undefined) return found;
    }
    return undefined;
  }
  return { path, first: inspect(first), second: inspect(second) };
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}

function step(path: string, key: string, isIndex: boolean): string {
  if (isIndex) return `${path}[${key}]`;
  return path === "" ? key : `${path}.${key}`;
}
