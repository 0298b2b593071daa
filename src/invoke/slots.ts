/**
 * A bounded number of slots, given to whoever asked first. Those who wait are bounded by what the
 * partitions have accepted and not finished; nobody else asks.
 */
export class Slots {
  readonly #waiting = new Set<(granted: boolean) => void>();
  readonly #count: number;
  #free: number;

  constructor(count: number) {
    this.#count = count;
    this.#free = count;
  }

  /** None is taken. */
  get idle(): boolean {
    return this.#free === this.#count;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  /** True when a slot was free; false when it takes {@link wait}. */
  tryTake(): boolean {
    if (this.#free === 0) return false;
    this.#free--;
    return true;
  }

  /**
   * Stands in line. `done` is called once, later, with whether the slot was granted.
   * @returns ends the wait: `done` is then called with false, unless it has been called already
   */
  wait(done: (granted: boolean) => void): () => void {
    this.#waiting.add(done);
    return () => {
      if (this.#waiting.delete(done)) done(false);
    };
  }

  /** Hands the slot to the next in line. */
  give(): void {
    for (const next of this.#waiting) {
      this.#waiting.delete(next);
      next(true);
      return;
    }
    this.#free++;
  }
}
