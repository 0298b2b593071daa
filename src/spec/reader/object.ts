import { didYouMean } from "../../base/nearest.ts";
import { memberPath } from "../yaml-tree.ts";
import { type Cursor, INVALID, type Invalid } from "./cursor.ts";
import type { Field, Reader } from "./reader.ts";

export type Fields = Readonly<Record<string, Field<unknown>>>;

/** The values that the fields of a mapping give. */
export type Values<F extends Fields> = {
  readonly [K in keyof F]: F[K] extends Field<infer T> ? T : never;
};

export interface Shape<F extends Fields, T> {
  readonly fields: F;
  /** Words of advice on names that people write here and that belong elsewhere. */
  readonly advice?: Readonly<Record<string, string>>;
  /** What several fields must be together. Sees what could be read, also when a part is wrong. */
  check?(given: Partial<Values<F>>, at: Cursor): void;
  /** Called only when nothing is wrong. */
  build(values: Values<F>, at: Cursor): T | Invalid;
}

export interface ObjectReader<T> extends Reader<T> {
  readonly fieldNames: readonly string[];
  /** As `read`; names in `elsewhere` are known to the caller, with its advice or none. */
  read(at: Cursor, elsewhere?: ReadonlyMap<string, string | undefined>): T | Invalid;
}

const NOTHING: ReadonlyMap<string, string | undefined> = new Map();

/** A mapping with these fields; others are worth a warning, never an error: StateFun ignores them. */
export function object<F extends Fields, T>(shape: Shape<F, T>): ObjectReader<T> {
  const fieldNames = Object.keys(shape.fields);
  const advice = new Map(Object.entries(shape.advice ?? {}));
  const expected = fieldNames.length === 0 ? "a mapping" : `a mapping with ${listed(fieldNames)}`;
  return {
    expected,
    fieldNames,
    fieldPaths: Object.entries(shape.fields).flatMap(([name, field]) => [
      `.${name}`,
      ...field.fieldPaths.map((path) => `.${name}${path}`),
    ]),
    read(at, elsewhere = NOTHING) {
      if (at.node?.kind !== "mapping") return at.refuse(expected);
      const problemsBefore = at.session.problems.length;
      warnOfUnknown(at, fieldNames, new Map([...advice, ...elsewhere]));
      const values = new Map<string, unknown>();
      for (const [name, field] of Object.entries(shape.fields)) {
        const value = field.read(at.member(name));
        if (value !== INVALID) values.set(name, value);
      }
      shape.check?.(Object.fromEntries(values) as Partial<Values<F>>, at);
      if (at.session.problems.length > problemsBefore) return INVALID;
      return shape.build(Object.fromEntries(values) as Values<F>, at);
    },
  };
}

function warnOfUnknown(
  at: Cursor,
  known: readonly string[],
  advice: ReadonlyMap<string, string | undefined>,
): void {
  if (at.node?.kind !== "mapping") return;
  for (const { key, keyPlace } of at.node.entries) {
    if (known.includes(key) || (advice.has(key) && advice.get(key) === undefined)) continue;
    const told = advice.get(key);
    const hint = didYouMean(key, known) || `; the fields here are ${listed(known)}`;
    const message = told ?? `unknown field, ignored${known.length === 0 ? "" : hint}`;
    at.session.warning({ ...keyPlace, path: memberPath(at.path, key), message });
  }
}

/** `a`, `a and b`, `a, b and c`; `no fields` for none. */
export function listed(names: readonly string[], last = "and"): string {
  if (names.length <= 1) return names[0] ?? "no fields";
  return `${names.slice(0, -1).join(", ")} ${last} ${names.at(-1)}`;
}
