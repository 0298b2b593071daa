/**
 * A map for what mostly has one entry or none: the first stands in the object itself, a Map is made for more.
 * In the order of insertion, as a Map. A Map of one entry takes four hundred bytes, for as long as it lives.
 */
export class Few<V> implements Iterable<[string, V]> {
  #name: string | undefined;
  #value: V | undefined;
  /** Behind the first. */
  #rest: Map<string, V> | undefined;

  constructor(entries?: Iterable<readonly [string, V]>) {
    if (entries === undefined) return;
    for (const [name, value] of entries) this.set(name, value);
  }

  get size(): number {
    return this.#name === undefined ? 0 : 1 + (this.#rest?.size ?? 0);
  }

  get(name: string): V | undefined {
    return this.#name === name ? this.#value : this.#rest?.get(name);
  }

  has(name: string): boolean {
    return this.#name === name || this.#rest?.has(name) === true;
  }

  set(name: string, value: V): void {
    if (this.#name === undefined || this.#name === name) {
      this.#name = name;
      this.#value = value;
    } else {
      this.#rest ??= new Map();
      this.#rest.set(name, value);
    }
  }

  /** True when it was there. */
  delete(name: string): boolean {
    if (this.#name !== name) return this.#rest?.delete(name) === true;
    this.#name = undefined;
    this.#value = undefined;
    const [next] = this.#rest ?? [];
    if (next === undefined) return true;
    [this.#name, this.#value] = next;
    this.#rest?.delete(next[0]);
    return true;
  }

  keys(): string[] {
    if (this.#name === undefined) return [];
    return this.#rest === undefined ? [this.#name] : [this.#name, ...this.#rest.keys()];
  }

  values(): V[] {
    if (this.#name === undefined) return [];
    const first = this.#value as V;
    return this.#rest === undefined ? [first] : [first, ...this.#rest.values()];
  }

  /** Of what is there now: what is set or deleted meanwhile does not show. */
  [Symbol.iterator](): IterableIterator<[string, V]> {
    const all: [string, V][] = [];
    if (this.#name !== undefined) all.push([this.#name, this.#value as V], ...(this.#rest ?? []));
    return all[Symbol.iterator]();
  }
}
