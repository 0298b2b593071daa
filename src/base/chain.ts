/**
 * A list that runs through its members themselves: one is appended, moved to the end or taken out in six
 * links, wherever it stands, and what is out is remembered by nobody. (A Map in which what is used is deleted
 * and set anew copies itself again and again, with all it has; an array keeps what has long been done until
 * somebody empties it.)
 */

/** What can stand in such a list, in one at a time. */
export interface Linked<T> {
  /** Its neighbours; undefined at the ends, and outside of a list. */
  before: T | undefined;
  after: T | undefined;
}

export class Chain<T extends Linked<T>> {
  #first: T | undefined;
  #last: T | undefined;

  get first(): T | undefined {
    return this.#first;
  }

  /** Puts it at the end; it may be new. */
  append(item: T): void {
    if (item === this.#last) return;
    this.remove(item);
    item.before = this.#last;
    if (this.#last === undefined) this.#first = item;
    else this.#last.after = item;
    this.#last = item;
  }

  /** Takes it out, if it is in it. */
  remove(item: T): void {
    const { before, after } = item;
    if (before !== undefined) before.after = after;
    else if (this.#first === item) this.#first = after;
    if (after !== undefined) after.before = before;
    else if (this.#last === item) this.#last = before;
    item.before = undefined;
    item.after = undefined;
  }

  /** Takes the first out. */
  shift(): T | undefined {
    const first = this.#first;
    if (first !== undefined) this.remove(first);
    return first;
  }
}
