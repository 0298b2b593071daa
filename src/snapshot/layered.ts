/** Runs of changes laid over each other: of one key the latest run says what holds. */
import type { Change } from "./segment-format.ts";

/** In the order of their keys, a page at a time. */
export type ChangePages = AsyncGenerator<readonly Change[], void>;

/**
 * @param runs the oldest first
 * @returns what there is in the end: nothing in it is gone
 */
export async function* layered(runs: readonly ChangePages[]): ChangePages {
  const [base, ...deltas] = runs;
  if (base === undefined) return;
  const [first, ...later] = deltas;
  // The deltas among each other first: they are few, and the base is passed on with one look at each key.
  const all = first === undefined ? base : over(base, later.reduce(over, first));
  for await (const page of all) {
    const there = page.filter(({ value }) => value !== undefined);
    if (there.length > 0) yield there;
  }
}

async function* over(older: ChangePages, newer: ChangePages): ChangePages {
  const [a, b] = [new Pages(older), new Pages(newer)];
  try {
    while ((await a.fill()) && (await b.fill())) {
      const page: Change[] = [];
      for (let [x, y] = [a.first, b.first]; x && y; [x, y] = [a.first, b.first]) {
        const order = Buffer.compare(x.key, y.key);
        if (order < 0) {
          page.push(x);
          a.skip();
          continue;
        }
        page.push(y);
        b.skip();
        if (order === 0) a.skip();
      }
      yield page;
    }
    for (const rest of [a, b]) while (await rest.fill()) yield rest.take();
  } finally {
    await Promise.all([older.return(), newer.return()]);
  }
}

/** A page, and the place in it. */
class Pages {
  readonly #pages: ChangePages;
  #page: readonly Change[] = [];
  #at = 0;

  constructor(pages: ChangePages) {
    this.#pages = pages;
  }

  /** False: there is no more. */
  async fill(): Promise<boolean> {
    while (this.#at >= this.#page.length) {
      const next = await this.#pages.next();
      if (next.done === true) return false;
      this.#page = next.value;
      this.#at = 0;
    }
    return true;
  }

  /** Undefined at the end of the page. */
  get first(): Change | undefined {
    return this.#page[this.#at];
  }

  skip(): void {
    this.#at++;
  }

  /** The rest of the page. */
  take(): readonly Change[] {
    const rest = this.#page.slice(this.#at);
    this.#at = this.#page.length;
    return rest;
  }
}
