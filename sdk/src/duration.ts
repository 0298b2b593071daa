import { inspect, SdkError } from "./errors.ts";

/** Milliseconds, or a whole number with a unit: "250ms", "30s", "5 min", "12h", "400d". */
export type Duration = number | string;

/** The units of module.yaml that reach a millisecond. */
const UNITS: ReadonlyArray<readonly [ms: number, names: readonly string[]]> = [
  [1, ["ms", "milli", "millis", "millisecond", "milliseconds"]],
  [1000, ["s", "sec", "secs", "second", "seconds"]],
  [60_000, ["m", "min", "minute", "minutes"]],
  [3_600_000, ["h", "hour", "hours"]],
  [86_400_000, ["d", "day", "days"]],
];

const UNIT_MS: ReadonlyMap<string, number> = new Map(
  UNITS.flatMap(([ms, names]) => names.map((name) => [name, ms] as const)),
);

/** The milliseconds of `text`, or undefined when it is no duration. A text without unit counts ms. */
export function parseDuration(text: string): number | undefined {
  const [, digits, unit] = /^\s*(\d+)\s*([a-z]*)\s*$/i.exec(text) ?? [];
  if (digits === undefined || unit === undefined) return undefined;
  const unitMs = unit === "" ? 1 : UNIT_MS.get(unit.toLowerCase());
  if (unitMs === undefined) return undefined;
  const ms = Number(digits) * unitMs;
  return Number.isSafeInteger(ms) ? ms : undefined;
}

/** How long until a delayed message is due: whole ms, rounded up so that it never comes early; 0 when negative. */
export function delayMs(delay: Duration): number {
  if (typeof delay === "number" && delay <= Number.MAX_SAFE_INTEGER) {
    return delay <= 0 ? 0 : Math.ceil(delay);
  }
  const ms = typeof delay === "string" ? parseDuration(delay) : undefined;
  if (ms !== undefined) return ms;
  throw new SdkError(
    "CONTEXT_MISUSED",
    `${inspect(delay)} is no delay: give milliseconds as a number, or a text such as "5s", "10 min", "30d"`,
  );
}

/** The life of a state; at least 1 ms. */
export function lifetimeMs(duration: Duration, option: string): number {
  const ms = typeof duration === "string" ? parseDuration(duration) : duration;
  if (ms !== undefined && Number.isSafeInteger(ms) && ms > 0) return ms;
  throw new SdkError(
    "DEFINITION_INVALID",
    `${option}: ${inspect(duration)} is no lifetime: give whole milliseconds above 0, or a text such as "12h", "400d"`,
  );
}
