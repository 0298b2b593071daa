/**
 * How one room is shared by many who do not know of each other (I6): each may hold nine times what is left
 * of it, so that one who is stuck fills nine tenths and no more, two fill 95 % together, and for the next
 * there is always some.
 */
const TIMES_THE_REST = 9;

/** Whether somebody who holds `own` may have more of a room of which `taken` are taken. */
export function hasShare(own: number, taken: number, room: number): boolean {
  return own < TIMES_THE_REST * (room - taken);
}
