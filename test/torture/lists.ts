/** Lists of what was seen, for accounts. */

/** Where two lists part. */
export function* differs(
  name: string,
  actual: readonly number[],
  expected: readonly number[],
): Generator<string> {
  const length = Math.max(actual.length, expected.length);
  for (let i = 0; i < length; i++) {
    if (actual[i] === expected[i]) continue;
    const around = (list: readonly number[]) =>
      `… ${list.slice(Math.max(0, i - 2), i + 3).join(" ")} …`;
    yield `${name}: ${actual.length} where ${expected.length} should be; at ${i}: ${around(actual)}, expected ${around(expected)}`;
    return;
  }
}

/** 1, 2, … */
export function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index + 1);
}

export function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return groups;
}
