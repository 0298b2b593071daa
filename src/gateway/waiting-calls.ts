import { memo } from "../base/memo.ts";
import { hasShare } from "../base/shares.ts";
import { Problem } from "./problem.ts";

/** No type's name. */
export const EARLIER = "replies to earlier calls";

/** One for all, however many are refused: an error and its text cost as much as the rest of a refusal. */
const refusalFor = memo((whom) => {
  const those = whom === EARLIER ? whom : `functions of type ${whom}`;
  const text = `as many callers as may be wait for ${those} already, and the rest of the room is for others`;
  return new Problem("OVERLOADED", text);
});

/**
 * The callers who wait, by whom they wait for: the functions of a type, say. One whose endpoint is down makes
 * all its callers wait; they take their share of the room, and callers of others find theirs.
 */
export class WaitingCalls {
  readonly #room: number;
  readonly #byWhom = new Map<string, number>();
  #all = 0;

  /** @param room for the requests of all */
  constructor(room: number) {
    this.#room = room;
  }

  /**
   * Counts a caller who waits for functions of a type, or for {@link EARLIER}, until {@link leave}.
   *
   * @throws OVERLOADED when the share of those is taken
   */
  enter(whom: string): void {
    const own = this.#byWhom.get(whom) ?? 0;
    if (!hasShare(own, this.#all, this.#room)) throw refusalFor(whom);
    this.#all++;
    this.#byWhom.set(whom, own + 1);
  }

  leave(whom: string): void {
    const own = (this.#byWhom.get(whom) ?? 0) - 1;
    this.#all--;
    if (own === 0) this.#byWhom.delete(whom);
    else this.#byWhom.set(whom, own);
  }
}
