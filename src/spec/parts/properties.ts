import type { Cursor } from "../reader/cursor.ts";
import { keyValues } from "../reader/lists.ts";
import { type Reader, refined } from "../reader/reader.ts";
import { scalar } from "../reader/scalars.ts";

/** A client's settings by name; all values are text. Of a name given twice the last counts. */
export const properties: Reader<ReadonlyMap<string, string>> = refined(
  keyValues(
    "client.id: billing",
    scalar("a single value", (value) => value),
  ),
  (entries) => {
    const byName = new Map<string, string>();
    for (const { key, value, at } of entries) {
      if (byName.has(key)) at.warning("is given twice; only this, its last value, counts");
      byName.set(key, value);
    }
    return byName;
  },
);

export const NO_PROPERTIES: ReadonlyMap<string, string> = new Map();

/** What is left when the properties that have a field of their own are taken out. */
export function without(
  all: ReadonlyMap<string, string>,
  names: readonly string[],
): ReadonlyMap<string, string> {
  return new Map([...all].filter(([name]) => !names.includes(name)));
}

/** A setting with a field of its own that may also stand among the properties; the field wins. */
export interface NamedSetting {
  readonly field: string;
  readonly property: string;
  readonly message: string;
}

/** Reports when neither the field nor the property is there. */
export function demandEither(
  at: Cursor,
  given: ReadonlyMap<string, string> | undefined,
  { field, property, message }: NamedSetting,
): void {
  // Unreadable properties may hold it.
  const isThere = at.member(field).isGiven || given === undefined || given.get(property);
  if (!isThere) at.member(field).problem(`is required: ${message} (or the property ${property})`);
}
