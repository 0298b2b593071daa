const NOTHING: never[] = [];

/** First in, first out, in amortised constant time at both ends. Its bound is its owner's business. */
export class Queue<T> {
  /** From `#start` on; before it, what has gone, forgotten. Nobody's while it is empty. */
  #items: (T | undefined)[] = NOTHING;
  #start = 0;

  get size(): number {
    return this.#items.length - this.#start;
  }

  push(item: T): void {
    // Many queues never hold more than one, and a push makes room for seventeen.
    if (this.#items.length === 0) this.#items = [item];
    else this.#items.push(item);
  }

  peek(): T | undefined {
    return this.#items[this.#start];
  }

  /** The item `offset` places behind the front. */
  at(offset: number): T | undefined {
    return this.#items[this.#start + offset];
  }

  last(): T | undefined {
    return this.size === 0 ? undefined : this.#items[this.#items.length - 1];
  }

  shift(): T | undefined {
    if (this.size === 0) return undefined;
    const item = this.#items[this.#start];
    this.#items[this.#start++] = undefined; // what has gone must not stay in memory with what has not
    if (this.#start === this.#items.length) {
      this.#items = NOTHING;
      this.#start = 0;
    } else if (this.#start > 64 && this.#start * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#start);
      this.#start = 0;
    }
    return item;
  }

  /** Everything in it, front first; it is empty afterwards. */
  take(): T[] {
    const all = [...this];
    this.#items = NOTHING;
    this.#start = 0;
    return all;
  }

  [Symbol.iterator](): IterableIterator<T> {
    return (this.#items.slice(this.#start) as T[])[Symbol.iterator]();
  }
}
