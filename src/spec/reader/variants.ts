import { INVALID, type Invalid } from "./cursor.ts";
import { listed, type ObjectReader } from "./object.ts";
import { optional, type Reader, required } from "./reader.ts";
import { oneOf } from "./scalars.ts";

/** The readers of the mappings that a `type` chooses among. */
type Cases<T> = Readonly<Record<string, ObjectReader<T>>>;

/**
 * A mapping whose `type` says which fields it has. Without `fallback` the type must be written. A field
 * of another type is a warning that says which one it belongs to.
 */
export function variants<T>(cases: Cases<T>, fallback?: string): Reader<T> {
  const byType = new Map(Object.entries(cases));
  const names = [...byType.keys()];
  const typeField = oneOf(names);
  const readType = fallback === undefined ? required(typeField) : optional(typeField, fallback);
  const below = new Set([...byType.values()].flatMap((reader) => reader.fieldPaths));
  const expected = `a mapping with a type (${listed(names, "or")})`;
  return {
    expected,
    fieldPaths: [".type", ...below],
    read(at): T | Invalid {
      if (at.node?.kind !== "mapping") return at.refuse(expected);
      const type = readType.read(at.member("type"));
      const chosen = type === INVALID ? undefined : byType.get(type);
      if (chosen === undefined) return INVALID;
      return chosen.read(at, elsewhere(byType, chosen));
    },
  };
}

function elsewhere<T>(
  cases: ReadonlyMap<string, ObjectReader<T>>,
  chosen: ObjectReader<T>,
): ReadonlyMap<string, string | undefined> {
  const advice = new Map<string, string | undefined>([["type", undefined]]);
  const foreign = [...cases.values()].flatMap((reader) => reader.fieldNames);
  for (const name of foreign) {
    if (chosen.fieldNames.includes(name)) continue;
    const owners = [...cases].filter(([, reader]) => reader.fieldNames.includes(name));
    const types = owners.map(([type]) => type);
    advice.set(name, `ignored: it has a meaning only with type ${listed(types, "or")}`);
  }
  return advice;
}
