/**
 * A line between two threads: what one tells the other, in order, and what it asks, with its answer.
 *
 * Owns the order, the batches and the numbers of questions. Does not own how a batch gets across (the wire, which may
 * drop everything when a thread goes), nor what is said.
 *
 * - What is said within a turn of the event loop goes as one batch; batches arrive in the order they left.
 * - The other side tells how much it has taken. What is on its way is bounded ({@link LineOptions.maxBytes}): beyond,
 *   the line is full, and whoever brings new work must not ({@link Line.isFull}). What has a bound of its own goes
 *   all the same: answers, and what partitions have for each other.
 */
import { assert } from "../../base/assert.ts";
import { type Deferred, deferred } from "../../base/deferred.ts";
import type { StatefoldError } from "../../base/errors.ts";
import { type CarriedError, carried, uncarried } from "./carried-error.ts";
import { pack } from "./pack.ts";

/** What one side may say: notes by their names, questions with their answers. */
export interface Words {
  readonly notes: Readonly<Record<string, unknown>>;
  readonly questions: Readonly<Record<string, { readonly ask: unknown; readonly answer: unknown }>>;
}

/** What the other side does with them. */
export interface Hearer<W extends Words> {
  readonly notes: { readonly [K in keyof W["notes"]]: (note: W["notes"][K]) => void };
  readonly questions: {
    readonly [K in keyof W["questions"]]: (
      ask: W["questions"][K]["ask"],
    ) => W["questions"][K]["answer"] | Promise<W["questions"][K]["answer"]>;
  };
}

export interface Batch {
  readonly items: readonly Item[];
  /** What it weighs on its way. */
  readonly bytes: number;
  /** What the sender has taken of the other side since its last batch. */
  readonly taken: number;
}

type Item =
  | { readonly kind: "note"; readonly name: string; readonly note: unknown }
  | {
      readonly kind: "question";
      readonly number: number;
      readonly name: string;
      readonly ask: unknown;
    }
  | { readonly kind: "answer"; readonly number: number; readonly answer: unknown }
  | { readonly kind: "failure"; readonly number: number; readonly error: CarriedError };

/** Gets a batch to the other side, to {@link Line.receive}. */
export type Wire = (batch: Batch, transfer: readonly ArrayBuffer[]) => void;

export interface LineOptions<In extends Words> {
  readonly wire: Wire;
  readonly hearer: Hearer<In>;
  /** On its way at most; see above. The same on both sides. Default MAX_BYTES. */
  readonly maxBytes?: number;
  /** There is room again on a line that was full. */
  readonly onRoom?: () => void;
  /** Calls back at the end of the turn. Default setImmediate. */
  readonly atEndOfTurn?: (run: () => void) => void;
}

const MAX_BYTES = 64 * 1024 * 1024;
/** What an item weighs besides its bytes. */
const ITEM_BYTES = 256;
/** What was taken is told with whatever is said next; by itself only when it is such a part of the bound. */
const TOLD_PART = 4;

export class Line<Out extends Words, In extends Words> {
  readonly #options: LineOptions<In>;
  readonly #maxBytes: number;
  #items: Item[] = [];
  #isFlushing = false;
  /** Weight of what is said and not taken. */
  #onItsWay = 0;
  /** Of what was taken, and not told. */
  #taken = 0;
  readonly #asked = new Map<number, Deferred<unknown>>();
  #last = 0;
  #ended: StatefoldError | undefined;

  constructor(options: LineOptions<In>) {
    this.#options = options;
    this.#maxBytes = options.maxBytes ?? MAX_BYTES;
  }

  /** What was said and not taken by the other side has reached the bound. */
  get isFull(): boolean {
    return this.#onItsWay >= this.#maxBytes;
  }

  get onItsWayBytes(): number {
    return this.#onItsWay;
  }

  /** Dropped when the line has ended. */
  tell<K extends keyof Out["notes"] & string>(name: K, note: Out["notes"][K]): void {
    this.#say({ kind: "note", name, note });
  }

  /** @throws what the other side throws: a StatefoldError as one; that of {@link end} when there is no answer */
  async ask<K extends keyof Out["questions"] & string>(
    name: K,
    ask: Out["questions"][K]["ask"],
  ): Promise<Out["questions"][K]["answer"]> {
    if (this.#ended !== undefined) throw this.#ended;
    const number = ++this.#last;
    const asked = deferred<unknown>();
    this.#asked.set(number, asked);
    this.#say({ kind: "question", number, name, ask });
    return (await asked.promise) as Out["questions"][K]["answer"];
  }

  receive({ items, bytes, taken }: Batch): void {
    if (this.#ended !== undefined) return;
    const wasFull = this.isFull;
    this.#onItsWay -= taken;
    assert(this.#onItsWay >= 0, "more was taken of a line than was said");
    this.#taken += bytes;
    for (const item of items) this.#hear(item);
    if (this.#taken * TOLD_PART >= this.#maxBytes) this.#flushSoon();
    if (wasFull && !this.isFull) this.#options.onRoom?.();
  }

  /** Nothing more is said or heard; who waits for an answer gets this instead. Idempotent. */
  end(error: StatefoldError): void {
    if (this.#ended !== undefined) return;
    this.#ended = error;
    this.#items = [];
    const asked = [...this.#asked.values()];
    this.#asked.clear();
    for (const { reject } of asked) reject(error);
  }

  /** Sends what was said so far now. */
  flush(): void {
    if (this.#ended !== undefined || (this.#items.length === 0 && this.#taken === 0)) return;
    const items = this.#items;
    this.#items = [];
    const taken = this.#taken;
    this.#taken = 0;
    const packed = pack(items);
    const bytes = packed.bytes + items.length * ITEM_BYTES;
    this.#onItsWay += bytes;
    this.#options.wire({ items: packed.value, bytes, taken }, packed.transfer);
  }

  #say(item: Item): void {
    if (this.#ended !== undefined) return;
    this.#items.push(item);
    this.#flushSoon();
  }

  #flushSoon(): void {
    if (this.#isFlushing) return;
    this.#isFlushing = true;
    const { atEndOfTurn = setImmediate } = this.#options;
    atEndOfTurn(() => {
      this.#isFlushing = false;
      this.flush();
    });
  }

  #hear(item: Item): void {
    const { hearer } = this.#options;
    switch (item.kind) {
      case "note":
        return noteOf(hearer, item.name)(item.note);
      case "question":
        return void this.#answer(item.number, item.name, item.ask);
      case "answer":
        return this.#settle(item.number)?.resolve(item.answer);
      case "failure":
        return this.#settle(item.number)?.reject(uncarried(item.error));
    }
  }

  /** Never rejects. */
  async #answer(number: number, name: string, ask: unknown): Promise<void> {
    try {
      const answer = await questionOf(this.#options.hearer, name)(ask);
      this.#say({ kind: "answer", number, answer });
    } catch (error) {
      this.#say({ kind: "failure", number, error: carried(error) });
    }
  }

  #settle(number: number): Deferred<unknown> | undefined {
    const asked = this.#asked.get(number);
    this.#asked.delete(number);
    return asked;
  }
}

// Both sides are made of one table of words (words.ts): the types of a name's two ends agree.

function noteOf<W extends Words>({ notes }: Hearer<W>, name: string): (note: unknown) => void {
  const found = (notes as Readonly<Record<string, (note: unknown) => void>>)[name];
  assert(found !== undefined, `nobody hears notes called ${name}`);
  return found;
}

function questionOf<W extends Words>(
  { questions }: Hearer<W>,
  name: string,
): (ask: unknown) => unknown {
  const found = (questions as Readonly<Record<string, (ask: unknown) => unknown>>)[name];
  assert(found !== undefined, `nobody answers questions called ${name}`);
  return found;
}
