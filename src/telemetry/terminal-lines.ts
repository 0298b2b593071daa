/**
 * A line of the log for a person: from pino's JSON to
 *
 *     09:10:09.123 WARN  gateway  refused a request  route=call status=429
 *
 * with the stack of an error, if there is one, indented below it.
 */

interface Level {
  readonly name: string;
  /** The terminal's escape code. */
  readonly colour: number;
}

const LEVELS: Readonly<Record<number, Level>> = {
  10: { name: "TRACE", colour: 90 },
  20: { name: "DEBUG", colour: 90 },
  30: { name: "INFO", colour: 32 },
  40: { name: "WARN", colour: 33 },
  50: { name: "ERROR", colour: 31 },
  60: { name: "FATAL", colour: 31 },
};

const SHOWN_ELSEWHERE = new Set(["time", "level", "part", "msg", "err"]);

interface Entry {
  readonly time?: unknown;
  readonly level?: unknown;
  readonly part?: unknown;
  readonly msg?: unknown;
  readonly err?: unknown;
}

/** @param line one JSON object and its line end; anything else comes back as it is */
export function formatLine(line: string, colours: boolean): string {
  const entry = parse(line);
  if (entry === undefined) return line;
  const paint = (text: string, colour: number) =>
    colours ? `\u001b[${colour}m${text}\u001b[0m` : text;
  const at = new Date(Number(entry.time));
  const level = LEVELS[Number(entry.level)] ?? { name: String(entry.level), colour: 0 };
  const parts = [
    paint(Number.isNaN(at.getTime()) ? "" : timeOfDay(at), 90),
    paint(level.name.padEnd(5), level.colour),
  ];
  if (entry.part !== undefined) parts.push(`${String(entry.part)} `);
  if (entry.msg !== undefined) parts.push(String(entry.msg));
  const fields = Object.entries(entry)
    .filter(([key]) => !SHOWN_ELSEWHERE.has(key))
    .map(
      ([key, value]) =>
        `${key}=${typeof value === "string" ? quoted(value) : JSON.stringify(value)}`,
    );
  if (fields.length > 0) parts.push(paint(` ${fields.join(" ")}`, 90));
  return `${parts.join(" ")}\n${errorLines(entry.err)}`;
}

function parse(line: string): Entry | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Entry)
      : undefined;
  } catch {
    return undefined;
  }
}

/** Local time: the person's own. */
function timeOfDay(at: Date): string {
  const two = (n: number) => String(n).padStart(2, "0");
  const ms = String(at.getMilliseconds()).padStart(3, "0");
  return `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}.${ms}`;
}

function quoted(text: string): string {
  return /^[^\s"=]+$/.test(text) ? text : JSON.stringify(text);
}

function errorLines(error: unknown): string {
  if (typeof error !== "object" || error === null) return "";
  const { stack, message } = error as { stack?: unknown; message?: unknown };
  const text = typeof stack === "string" ? stack : String(message ?? "");
  return text === "" ? "" : `${text.replaceAll(/^/gm, "    ")}\n`;
}
