import { Problem } from "./problem.ts";

/**
 * So many at once; one more is refused (OVERLOADED), with what it wanted left to others. For answers that
 * are made in memory, or go on as long as the caller likes.
 */
export class Seats {
  readonly #what: string;
  readonly #count: number;
  #taken = 0;

  /** @param what those who sit there, for the refusal */
  constructor(what: string, count: number) {
    this.#what = what;
    this.#count = count;
  }

  get taken(): number {
    return this.#taken;
  }

  /** @throws OVERLOADED */
  async use<T>(work: () => Promise<T>): Promise<T> {
    if (this.#taken >= this.#count) {
      throw new Problem("OVERLOADED", `${this.#count} ${this.#what} at once already`);
    }
    this.#taken++;
    try {
      return await work();
    } finally {
      this.#taken--;
    }
  }
}
