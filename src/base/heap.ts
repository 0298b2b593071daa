import { Queue } from "./queue.ts";

/**
 * The smallest item by `less` comes out first. What comes in order already, as timers of one delay and
 * entries of a store do, is kept as a run, which costs nothing to keep; a binary heap holds the rest.
 */
export class Heap<T> {
  readonly #run = new Queue<T>();
  readonly #items: T[] = [];
  readonly #less: (a: T, b: T) => boolean;

  constructor(less: (a: T, b: T) => boolean) {
    this.#less = less;
  }

  get size(): number {
    return this.#run.size + this.#items.length;
  }

  peek(): T | undefined {
    return this.#runIsFirst() ? this.#run.peek() : this.#items[0];
  }

  push(item: T): void {
    const last = this.#run.last();
    if (last === undefined || !this.#less(item, last)) this.#run.push(item);
    else this.#pushHeap(item);
  }

  pop(): T | undefined {
    return this.#runIsFirst() ? this.#run.shift() : this.#popHeap();
  }

  /** Takes everything out, in order. */
  drain(): T[] {
    const all = [...this.#run.take(), ...this.#items.splice(0)];
    return all.sort((a, b) => (this.#less(a, b) ? -1 : this.#less(b, a) ? 1 : 0));
  }

  #runIsFirst(): boolean {
    if (this.#items.length === 0) return true;
    return this.#run.size > 0 && this.#less(this.#run.peek() as T, this.#items[0] as T);
  }

  #pushHeap(item: T): void {
    const items = this.#items;
    let at = items.length;
    items.push(item);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = items[parent] as T;
      if (!this.#less(item, above)) break;
      items[at] = above;
      at = parent;
    }
    items[at] = item;
  }

  #popHeap(): T | undefined {
    const items = this.#items;
    const top = items[0];
    const last = items.pop();
    if (items.length === 0 || last === undefined) return top;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= items.length) break;
      if (child + 1 < items.length && this.#less(items[child + 1] as T, items[child] as T)) child++;
      const below = items[child] as T;
      if (!this.#less(below, last)) break;
      items[at] = below;
      at = child;
    }
    items[at] = last;
    return top;
  }
}
