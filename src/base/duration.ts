/**
 * Durations as Flink writes them: an integer, optional space, a unit; without a unit, milliseconds. Any
 * case; no sign, fraction or compound.
 */
const MILLISECONDS_BY_UNIT: ReadonlyMap<string, number> = new Map(
  Object.entries({
    ...{ d: 86_400_000, day: 86_400_000, days: 86_400_000 },
    ...{ h: 3_600_000, hour: 3_600_000, hours: 3_600_000 },
    ...{ min: 60_000, m: 60_000, minute: 60_000, minutes: 60_000 },
    ...{ s: 1000, sec: 1000, secs: 1000, second: 1000, seconds: 1000 },
    ...{ "": 1, ms: 1, milli: 1, millis: 1, millisecond: 1, milliseconds: 1 },
    // Both letters that look like mu: the micro sign and the Greek one (which is also its lower case).
    ...{ "\u00b5s": 1e-3, "\u03bcs": 1e-3, micro: 1e-3, micros: 1e-3 },
    ...{ microsecond: 1e-3, microseconds: 1e-3 },
    ...{ ns: 1e-6, nano: 1e-6, nanos: 1e-6, nanosecond: 1e-6, nanoseconds: 1e-6 },
  }),
);

/** What a duration looks like, for messages. */
export const DURATION_EXAMPLES =
  "such as 500ms, 10s, 2min, 1h or 3d (a bare number is milliseconds)";

/**
 * Milliseconds, rounded up to whole ones so that a positive duration never becomes zero; undefined when
 * `text` is no duration.
 */
export function parseDuration(text: string): number | undefined {
  const [, digits, unit] = /^(\d+)\s*(\p{L}*)$/u.exec(text.trim()) ?? [];
  if (digits === undefined || unit === undefined) return undefined;
  const milliseconds = MILLISECONDS_BY_UNIT.get(unit.toLowerCase());
  return milliseconds === undefined ? undefined : wholeMilliseconds(Number(digits), milliseconds);
}

/** Divides where the unit is smaller: 3 × 0.001 is not quite 0.003, and would be rounded up from there. */
function wholeMilliseconds(count: number, milliseconds: number): number {
  return milliseconds >= 1 ? count * milliseconds : Math.ceil(count / Math.round(1 / milliseconds));
}
