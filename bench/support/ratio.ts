import { median, times } from "./table.ts";

/**
 * How one compares with another who was measured in the same rounds: the median of each round's ratio, so that what slowed
 * a whole round down says nothing.
 *
 * @returns NaN when one of them is not there
 */
export function ratioOf<Round>(
  rounds: ReadonlyMap<string, readonly Round[]>,
  name: string,
  other: string,
  pick: (round: Round) => number,
): number {
  const [mine = [], others = []] = [rounds.get(name), rounds.get(other)];
  const pairs = mine.flatMap((round, at) => {
    const beside = others[at];
    return beside === undefined ? [] : [pick(round) / pick(beside)];
  });
  return median(pairs);
}

/** What the project set itself, and whether it came to that; nothing where there was nothing to compare with. */
export function aimLines(what: string, found: number, isMet: (found: number) => boolean): string[] {
  if (Number.isNaN(found)) return [];
  return [`  aim, ${what}: ${times(found)}, ${isMet(found) ? "met" : "missed"}\n`];
}
