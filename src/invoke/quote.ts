/** The longest text of a function's own words that goes into a reason. */
export const QUOTE_MAX_CHARS = 300;

/** A text of others as one line of at most {@link QUOTE_MAX_CHARS}, without control characters. */
export function quote(text: string): string {
  const line = text.replace(/[\p{Cc}\s]+/gu, " ").trim();
  return line.length <= QUOTE_MAX_CHARS ? line : `${line.slice(0, QUOTE_MAX_CHARS)}…`;
}
