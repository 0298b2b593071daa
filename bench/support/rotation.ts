/**
 * Whose turn it is in a round: each comes first once, and in every other lap of rounds the order is turned round, so that
 * nobody always follows the same one.
 */
export function orderOf<T>(subjects: readonly T[], round: number): T[] {
  const from = round % Math.max(1, subjects.length);
  const order = [...subjects.slice(from), ...subjects.slice(0, from)];
  return round % 2 === 0 ? order : order.reverse();
}
