/** Longer texts are rare, and would take the room of many. */
const LONGEST_TEXT = 256;

/**
 * What a pure function makes of a text, remembered for those asked for last: for names that come with every
 * request, from a small number of them. What throws is not remembered.
 *
 * @param most texts; with more, all are forgotten
 */
export function memo<T>(make: (text: string) => T, most = 256): (text: string) => T {
  const known = new Map<string, T>();
  return (text) => {
    const found = known.get(text);
    if (found !== undefined) return found;
    const made = make(text);
    if (text.length <= LONGEST_TEXT) {
      if (known.size >= most) known.clear();
      known.set(text, made);
    }
    return made;
  };
}
