/** The only form that StateFun parses, as its own pattern language writes it, and an example. */
export const DATE_PATTERN = "yyyy-MM-dd HH:mm:ss.SSS Z";
export const DATE_EXAMPLE = "2020-02-01 04:15:00.000 +0000";

const DATE = /^(\d{4})-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d)\.(\d{3}) ([+-])(\d\d)(\d\d)$/;

/** Milliseconds since 1970 (UTC), or undefined when `text` is not in that form or no such day exists. */
export function parseStartupDate(text: string): number | undefined {
  const match = DATE.exec(text);
  if (match === null) return undefined;
  const [year, month, day, hour, minute, second, millisecond] = match.slice(1, 8).map(Number);
  const [sign, offsetHours, offsetMinutes] = [match[8], Number(match[9]), Number(match[10])];
  const fields = [year, month, day, hour, minute, second, millisecond].map((part) => part ?? 0);
  const [y = 0, mo = 0, d = 0, h = 0, mi = 0, s = 0, ms = 0] = fields;
  if (offsetHours > 18 || offsetMinutes > 59) return undefined;
  const local = new Date(0);
  local.setUTCFullYear(y, mo - 1, d);
  local.setUTCHours(h, mi, s, ms);
  // A part out of range has carried over into the next one: 30 February, 25 o'clock.
  const isReal = local.toISOString() === `${text.slice(0, 10)}T${text.slice(11, 23)}Z`;
  if (!isReal) return undefined;
  const offsetMs = (offsetHours * 60 + offsetMinutes) * 60_000;
  return local.getTime() - (sign === "-" ? -offsetMs : offsetMs);
}
