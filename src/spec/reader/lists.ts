import { type Cursor, INVALID, type Invalid } from "./cursor.ts";
import { type Reader, required } from "./reader.ts";

/** A list; with `atLeastOne` an empty one is refused. */
export function list<T>(
  what: string,
  item: Reader<T>,
  { atLeastOne = false } = {},
): Reader<readonly T[]> {
  const field = required(item);
  const expected = `a list of ${what}`;
  return {
    expected,
    fieldPaths: item.fieldPaths.map((path) => `[]${path}`),
    read(at) {
      if (at.node?.kind !== "list") return at.refuse(expected);
      if (atLeastOne && at.node.items.length === 0) {
        return at.problem("must not be empty: without an entry there is nothing to do");
      }
      return allValid(at.items().map((cursor) => field.read(cursor)));
    },
  };
}

export interface KeyValue<T> {
  readonly key: string;
  readonly value: T;
  readonly at: Cursor;
}

/**
 * A list of mappings with one entry each, StateFun's way to write properties. Of a mapping with more
 * only the first entry counts, there as here.
 */
export function keyValues<T>(example: string, value: Reader<T>): Reader<readonly KeyValue<T>[]> {
  const field = required(value);
  const expected = `a list of single entries, such as "- ${example}"`;
  const readEntry = (at: Cursor): KeyValue<T> | Invalid => {
    if (at.node?.kind !== "mapping") return at.refuse(`a single entry, such as "${example}"`);
    const [first, ...ignored] = at.node.entries;
    if (first === undefined) return at.refuse(`a single entry, such as "${example}"`);
    for (const { key } of ignored) {
      at.member(key).warning(`ignored: only the first entry counts; give it a "- " of its own`);
    }
    const member = at.member(first.key);
    const read = field.read(member);
    return read === INVALID ? INVALID : { key: first.key, value: read, at: member };
  };
  return {
    expected,
    fieldPaths: [],
    read(at) {
      if (at.node?.kind === "mapping") {
        return at.problem(`must be ${expected}, not a mapping: put "- " before each entry`);
      }
      if (at.node?.kind !== "list") return at.refuse(expected);
      return allValid(at.items().map(readEntry));
    },
  };
}

function allValid<T>(values: readonly (T | Invalid)[]): readonly T[] | Invalid {
  const valid = values.filter((value): value is T => value !== INVALID);
  return valid.length === values.length ? valid : INVALID;
}
