import { type Cursor, INVALID, type Invalid } from "./cursor.ts";

/** Reads one value where one is written. Everything wrong is reported at the cursor. */
export interface Reader<T> {
  /** What is allowed, as it reads after "must be". */
  readonly expected: string;
  /** The fields below, as `.name` or `[].name`: what documentation has to name. */
  readonly fieldPaths: readonly string[];
  read(at: Cursor): T | Invalid;
}

/** A field of a mapping: also decides what it means when nothing is written. */
export interface Field<T> {
  readonly fieldPaths: readonly string[];
  read(at: Cursor): T | Invalid;
}

export function required<T>(reader: Reader<T>): Field<T> {
  return {
    fieldPaths: reader.fieldPaths,
    read(at) {
      if (at.node === undefined) return at.problem(`is required: ${reader.expected}`);
      if (!at.isGiven) return at.problem(`is empty; it must be ${reader.expected}`);
      return reader.read(at);
    },
  };
}

/** Left out or left empty, the field has the value `fallback`. */
export function optional<T>(reader: Reader<T>): Field<T | undefined>;
export function optional<T, D>(reader: Reader<T>, fallback: D): Field<T | D>;
export function optional<T, D>(reader: Reader<T>, fallback?: D): Field<T | D | undefined> {
  return {
    fieldPaths: reader.fieldPaths,
    read: (at) => (at.isGiven ? reader.read(at) : fallback),
  };
}

/** The same grammar with a further step, which may report and refuse. */
export function refined<T, U>(
  reader: Reader<T>,
  refine: (value: T, at: Cursor) => U | Invalid,
): Reader<U> {
  return {
    expected: reader.expected,
    fieldPaths: reader.fieldPaths,
    read(at) {
      const value = reader.read(at);
      return value === INVALID ? INVALID : refine(value, at);
    },
  };
}

/** The value as it stands, for whoever reads it later. */
export function raw(expected: string): Reader<Cursor> {
  return { expected, fieldPaths: [], read: (at) => at };
}
