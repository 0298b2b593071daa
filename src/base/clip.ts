/** The beginning of a text that may be of any length, with a mark where it is cut off. */
export function clip(text: string, maxChars: number): string {
  return text.length <= maxChars ? text : `${text.slice(0, maxChars - 1)}\u2026`;
}
