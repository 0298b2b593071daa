import { hasShare } from "../base/shares.ts";
import { Problem } from "./problem.ts";

/**
 * The calls that wait for a function, by its type. One whose endpoint is down makes all its callers wait;
 * they take their share of the room, and callers of others find theirs.
 */
export class WaitingCalls {
  readonly #room: number;
  readonly #byType = new Map<string, number>();
  #all = 0;

  /** @param room for the requests of all */
  constructor(room: number) {
    this.#room = room;
  }

  /**
   * Waits for a call to a function of this type.
   *
   * @throws OVERLOADED when its share is taken
   */
  async during<T>(type: string, call: () => Promise<T>): Promise<T> {
    const own = this.#byType.get(type) ?? 0;
    if (!hasShare(own, this.#all, this.#room)) {
      const text = `${own} calls to functions of type ${type} wait already, and the rest of the room is for others`;
      throw new Problem("OVERLOADED", text);
    }
    this.#count(type, 1);
    try {
      return await call();
    } finally {
      this.#count(type, -1);
    }
  }

  #count(type: string, by: 1 | -1): void {
    const own = (this.#byType.get(type) ?? 0) + by;
    this.#all += by;
    if (own === 0) this.#byType.delete(type);
    else this.#byType.set(type, own);
  }
}
