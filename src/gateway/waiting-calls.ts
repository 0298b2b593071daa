import { hasShare } from "../base/shares.ts";
import { Problem } from "./problem.ts";

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
   * Counts a caller who waits for `whom` as long as `call` lasts.
   *
   * @throws OVERLOADED when the share of those is taken
   */
  async during<T>(whom: string, call: () => Promise<T>): Promise<T> {
    const own = this.#byWhom.get(whom) ?? 0;
    if (!hasShare(own, this.#all, this.#room)) {
      const text = `${own} callers wait for ${whom} already, and the rest of the room is for others`;
      throw new Problem("OVERLOADED", text);
    }
    this.#count(whom, 1);
    try {
      return await call();
    } finally {
      this.#count(whom, -1);
    }
  }

  #count(whom: string, by: 1 | -1): void {
    const own = (this.#byWhom.get(whom) ?? 0) + by;
    this.#all += by;
    if (own === 0) this.#byWhom.delete(whom);
    else this.#byWhom.set(whom, own);
  }
}
