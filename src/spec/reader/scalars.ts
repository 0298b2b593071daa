import { DURATION_EXAMPLES, parseDuration } from "../../base/duration.ts";
import { didYouMean } from "../../base/nearest.ts";
import { isTypeName } from "../../model/type-name.ts";
import { expandPlaceholders, hasPlaceholder } from "../placeholders.ts";
import { formatPlace } from "../problem.ts";
import type { ClaimScope } from "../session.ts";
import { shorten } from "../yaml-tree.ts";
import { type Cursor, INVALID, type Invalid } from "./cursor.ts";
import { listed } from "./object.ts";
import { type Reader, refined } from "./reader.ts";

/** A single value; `parse` gives undefined for "not as expected", INVALID when it has said more itself. */
export function scalar<T>(
  expected: string,
  parse: (text: string, at: Cursor) => T | undefined | Invalid,
): Reader<T> {
  return {
    expected,
    fieldPaths: [],
    read(at) {
      if (at.node?.kind !== "text") return at.refuse(expected);
      const written = at.node.text;
      const text = expandedText(written, at);
      if (text === INVALID) return INVALID;
      const value = parse(text, at);
      if (value !== undefined) return value;
      const origin = text === written ? "" : ` (from ${JSON.stringify(shorten(written))})`;
      return at.problem(`must be ${expected}, not ${JSON.stringify(shorten(text))}${origin}`);
    },
  };
}

function expandedText(written: string, at: Cursor): string | Invalid {
  if (!hasPlaceholder(written)) return written;
  const expansion = expandPlaceholders(written, at.session.options.variables);
  return expansion.ok ? expansion.text : at.problem(expansion.mistake);
}

/** Any text but none; `what` says what it names. */
export function text(what: string): Reader<string> {
  return scalar(what, (value) => (value.trim() === "" ? undefined : value));
}

/** Text in which `${…}` means nothing: the skeleton of a document. */
export function literal(what: string): Reader<string> {
  return {
    expected: what,
    fieldPaths: [],
    read: (at) =>
      at.node?.kind === "text" && at.node.text.trim() !== "" ? at.node.text : at.refuse(what),
  };
}

export interface IntegerLimits {
  readonly atLeast?: number;
  readonly atMost?: number;
}

/** A whole number, quoted or not. */
export function integer({ atLeast, atMost }: IntegerLimits = {}): Reader<number> {
  const from = atLeast === undefined ? undefined : ` of at least ${atLeast}`;
  const range = atMost === undefined ? (from ?? "") : ` between ${atLeast ?? "any"} and ${atMost}`;
  return scalar(`a whole number${range}`, (value) => {
    const number = /^[-+]?\d+$/.test(value) ? Number(value) : Number.NaN;
    if (!Number.isSafeInteger(number)) return undefined;
    return number < (atLeast ?? number) || number > (atMost ?? number) ? undefined : number;
  });
}

/** The longest that a timer of Node's can wait: 24 days and 20 hours; beyond, it would fire at once. */
const MAX_TIMER_MS = 2_147_483_647;

/** Milliseconds; longer than zero unless `mayBeZero`. */
export function duration({ mayBeZero = false } = {}): Reader<number> {
  const least = mayBeZero ? "" : "longer than 0, ";
  return scalar(`a duration ${least}${DURATION_EXAMPLES}`, (value, at) => {
    const milliseconds = parseDuration(value);
    if (milliseconds === undefined || (milliseconds === 0 && !mayBeZero)) return undefined;
    return milliseconds > MAX_TIMER_MS
      ? at.problem("must not be longer than 24 days")
      : milliseconds;
  });
}

export function oneOf<const T extends string>(
  values: readonly T[],
  { ignoreCase = false } = {},
): Reader<T> {
  const fold = (value: string) => (ignoreCase ? value.toLowerCase() : value);
  const byName = new Map(values.map((value) => [fold(value), value]));
  const expected = values.length === 1 ? String(values[0]) : `one of ${listed(values, "or")}`;
  return scalar(expected, (value, at) => {
    const found = byName.get(fold(value));
    if (found !== undefined) return found;
    const hint = didYouMean(value, values);
    return at.problem(`must be ${expected}, not ${JSON.stringify(shorten(value))}${hint}`);
  });
}

/** `<namespace>/<name>`. */
export function typeName(what: string, example: string): Reader<string> {
  return scalar(`${what}, written <namespace>/<name> with one "/", such as ${example}`, (value) =>
    isTypeName(value) ? value : undefined,
  );
}

/** The same value may be given once in a module. */
export function unique(scope: ClaimScope, reader: Reader<string>): Reader<string> {
  return refined(reader, (value, at) => claim(scope, value, at) ?? value);
}

/** Reports and gives INVALID when the name is taken. */
export function claim(scope: ClaimScope, name: string, at: Cursor): Invalid | undefined {
  const earlier = at.session.claim(scope, name, at.place);
  if (earlier === undefined) return undefined;
  return at.problem(`the ${scope} ${name} is defined already, at ${formatPlace(earlier)}`);
}
