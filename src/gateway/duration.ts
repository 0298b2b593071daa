import { invalid } from "./problem.ts";

/** As in module.yaml: a whole number and a unit in any case, milliseconds without one. */
const UNITS: readonly (readonly [RegExp, number])[] = [
  [/^(|ms|milli(second)?s?)$/i, 1],
  [/^s(ec(ond)?s?)?$/i, 1000],
  [/^m(in(ute)?s?)?$/i, 60_000],
  [/^h(ours?)?$/i, 3_600_000],
  [/^d(ays?)?$/i, 86_400_000],
];

const DURATION = /^(\d+) ?([a-z]*)$/i;

/**
 * A duration in a query, in ms.
 *
 * @param name of the parameter, for the message
 * @throws REQUEST_INVALID
 */
export function parseDuration(name: string, text: string, maxMs: number): number {
  const [, digits, unit = ""] = DURATION.exec(text) ?? [];
  const factor = UNITS.find(([names]) => names.test(unit))?.[1];
  if (digits === undefined || factor === undefined) {
    throw invalid(`${name}=${text} is no duration; write 500ms, 5s, 10min, 2h or 1d`);
  }
  const ms = Number(digits) * factor;
  if (ms > maxMs) throw invalid(`${name}=${text} is too long; at most ${maxMs / 1000}s`);
  return ms;
}
