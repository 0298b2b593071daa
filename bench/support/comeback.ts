/**
 * When a rate was back after an interruption.
 *
 * @param slots counts per slot of time
 * @param from the slot of the interruption
 * @returns the slots from `from` on until the counts of `span` slots in a row reach `share` of those of the
 *   `before` slots before `from`; undefined: they never did
 */
export function slotsUntilBack(
  slots: readonly number[],
  from: number,
  {
    before,
    span,
    share,
  }: { readonly before: number; readonly span: number; readonly share: number },
): number | undefined {
  const usual = sum(slots, from - before, from) / before;
  for (let at = from; at + span <= slots.length; at++) {
    if (sum(slots, at, at + span) >= usual * span * share) return at - from;
  }
  return undefined;
}

function sum(slots: readonly number[], from: number, until: number): number {
  let all = 0;
  for (let at = Math.max(0, from); at < until; at++) all += slots[at] ?? 0;
  return all;
}
