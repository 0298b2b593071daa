import { table } from "./table.ts";

/** What a benchmark found: for people as text, for programs as tables and lists of numbers. */
export interface Report {
  readonly text: string;
  readonly tables: readonly (readonly JsonRow[])[];
  /** The figure of each round, in order, by what it is. */
  readonly rounds: Readonly<Record<string, readonly number[]>>;
}

/** By the heads of the columns. What reads as a number is one, in the unit of its head. */
export type JsonRow = Readonly<Record<string, string | number>>;

export interface Table {
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

export interface Raw {
  readonly label: string;
  readonly values: readonly number[];
  readonly digits: number;
}

export type Part = string | Table | Raw;

/** The figure of each round, as a line under a table. */
export function raw(label: string, values: readonly number[], digits = 0): Raw {
  return { label, values, digits };
}

export function reportOf(...parts: readonly Part[]): Report {
  const tables = parts.filter((part) => typeof part === "object" && "head" in part);
  const raws = parts.filter((part) => typeof part === "object" && "label" in part);
  return {
    text: parts.map(textOf).join(""),
    tables: tables.map(({ head, rows }) => rows.map((row) => jsonOf(head, row))),
    rounds: Object.fromEntries(raws.map(({ label, values }) => [label, values])),
  };
}

function textOf(part: Part): string {
  if (typeof part === "string") return part;
  if ("head" in part) return table(part.head, part.rows);
  const { label, values, digits } = part;
  return `  ${label}: ${values.map((value) => value.toFixed(digits)).join(" ")}\n`;
}

function jsonOf(head: readonly string[], row: readonly string[]): JsonRow {
  return Object.fromEntries(head.map((name, column) => [name, cellValue(row[column] ?? "")]));
}

/** `12 345`, `1.25`, `97 %`, `12 MiB` and `1.8 ×` are numbers. */
function cellValue(cell: string): string | number {
  const number = /^(-?\d{1,3}(?: \d{3})+|-?\d+(?:\.\d+)?)(?: (?:%|MiB|s|×))?$/.exec(cell)?.[1];
  return number === undefined ? cell : Number(number.replaceAll(" ", ""));
}
