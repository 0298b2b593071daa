/**
 * States in the order of their last use, as a list that runs through the states themselves: a use costs six
 * links. (A Map in which what is used is deleted and set anew copies itself again and again, with all it has.)
 */

/** What can stand in such a list, in one at a time. */
export interface Used<T> {
  /** Used next before it, and next after it; undefined at the ends, and outside of a list. */
  older: T | undefined;
  newer: T | undefined;
}

export class Uses<T extends Used<T>> {
  #oldest: T | undefined;
  #newest: T | undefined;

  /** The one that was used longest ago. */
  get oldest(): T | undefined {
    return this.#oldest;
  }

  /** It is used now; it may be new. */
  used(item: T): void {
    if (item === this.#newest) return;
    this.forget(item);
    item.older = this.#newest;
    if (this.#newest === undefined) this.#oldest = item;
    else this.#newest.newer = item;
    this.#newest = item;
  }

  /** Takes it out, if it is in it. */
  forget(item: T): void {
    const { older, newer } = item;
    if (older !== undefined) older.newer = newer;
    else if (this.#oldest === item) this.#oldest = newer;
    if (newer !== undefined) newer.older = older;
    else if (this.#newest === item) this.#newest = older;
    item.older = undefined;
    item.newer = undefined;
  }
}
