/**
 * The survey of the mail that an opening finds in the store: a partition serves before it has seen all of it.
 *
 * Goes through the mail in the order of its keys, a page a turn, and counts it; none of it is kept. Mail of
 * addresses before the frontier is known. Of an address behind it, or at it, nobody knows yet whether older mail
 * waits for it: whoever wants something of it ({@link Survey.search}) has its own mail counted first, by its
 * prefix, so that older mail stays in front (I1). Owns how far all that is; not what is done with the mail.
 *
 * - Mail of before has lower sequences than all that comes later, so neither is taken for the other.
 * - Mail of an address that is not known is not touched: what is read of it is as it was at the opening. A page may
 *   still show what was known, handled and deleted meanwhile: those addresses are remembered until it is past them.
 * - Both go through an address from its first message on, so what is counted of it is the part before one sequence.
 * - It ends with as many messages as the books say (I4). Behind the last one may stand the marks of millions that
 *   were handled, which LevelDB would have to pass by.
 * - I10: while it goes on a read of its own is wanted or outstanding.
 */

import { Queue } from "../base/queue.ts";
import { type Address, addressKey } from "../model/address.ts";
import type { Message } from "../model/message.ts";
import type { Entry } from "../store/contract.ts";
import { endOfPrefix, keyOf, lastNumberOf } from "../store/keys.ts";
import { decodeMessage } from "../store/records/message.ts";
import type { Mailbox } from "./mailbox.ts";
import type { Reads } from "./reads.ts";

/** Read at once by the survey; and by all searches together. */
const SURVEY_BYTES = 4 * 1024 * 1024;
/** Addresses whose own mail is counted at once; others stand in line. */
const SEARCHES = 64;
/** Before all sequences. */
const NONE = -1;

export interface SurveyParts {
  readonly reads: Reads;
  /** Messages that one step counts at most. */
  readonly pageMessages: number;
  /** Mail that there was at the opening. */
  readonly count: number;
  /** The first sequence that was not given then. */
  readonly firstNew: number;
  /** Takes a message of before into the mailbox of its address. */
  readonly restore: (mailbox: Mailbox, message: Message, sequence: number) => void;
  /** The mailbox of an address, made when it has none. */
  readonly of: (address: Address) => Mailbox;
}

export class Survey {
  readonly #parts: SurveyParts;
  /** Messages of before that were not counted yet. */
  #left: number;
  /** The address whose mail was come to last, and where that mail begins: the frontier. */
  #at: { readonly key: string; readonly mailbox: Mailbox | undefined } | undefined;
  #frontier: Uint8Array = keyOf("mail");
  /** Mailboxes of which more may be in the store, and the last sequence that was counted of each. */
  readonly #unknown = new Map<Mailbox, number>();
  /** Addresses with mail behind the frontier that is known. */
  readonly #ahead = new Set<string>();
  readonly #wanted = new Map<Mailbox, (() => void)[]>();
  readonly #inLine = new Queue<Mailbox>();
  #searches = 0;
  #onKnown: (mailbox: Mailbox) => void = () => {};

  constructor(parts: SurveyParts) {
    this.#parts = parts;
    this.#left = parts.count;
  }

  /** All mail of before is known. */
  get isOver(): boolean {
    return this.#left <= 0;
  }

  /** Messages that were not counted yet. */
  get left(): number {
    return Math.max(0, this.#left);
  }

  /** Starts reading; `onKnown` hears of each mailbox that becomes known. */
  begin(onKnown: (mailbox: Mailbox) => void): void {
    this.#onKnown = onKnown;
    if (!this.isOver) this.#next(this.#frontier);
  }

  /** Whether nothing of an address that has no mailbox is in the store. */
  knows(address: Address, key: string): boolean {
    if (this.isOver || this.#ahead.has(key)) return true;
    return Buffer.compare(mailPrefix(address), this.#frontier) < 0;
  }

  /** A mailbox was made of an address that it does not know. */
  add(mailbox: Mailbox): void {
    this.#unknown.set(mailbox, NONE);
  }

  /** Calls `then` once the mail of an address is known: it is looked for, when that was not done yet. */
  search(mailbox: Mailbox, then: () => void): void {
    if (mailbox.isKnown) return then();
    const wanted = this.#wanted.get(mailbox);
    if (wanted !== undefined) {
      wanted.push(then);
      return;
    }
    this.#wanted.set(mailbox, [then]);
    this.#inLine.push(mailbox);
    this.#startSearches();
  }

  #next(from: Uint8Array): void {
    const until = endOfPrefix(keyOf("mail"));
    const range = { from, until, limit: this.#parts.pageMessages, maxBytes: SURVEY_BYTES };
    this.#parts.reads.scan(range, (entries) => this.#page(entries));
  }

  #page(entries: readonly Entry[]): void {
    if (this.isOver) return;
    const passed: Mailbox[] = [];
    for (const { key, value } of entries) {
      const sequence = lastNumberOf(key);
      if (sequence >= this.#parts.firstNew) continue;
      const message = decodeMessage(value);
      const address = addressKey(message.target);
      if (this.#at?.key !== address) {
        if (this.#at?.mailbox !== undefined) passed.push(this.#at.mailbox);
        if (this.#at !== undefined) this.#ahead.delete(this.#at.key);
        const isKnown = this.#ahead.has(address);
        const mailbox = isKnown ? undefined : this.#parts.of(message.target);
        this.#at = { key: address, mailbox };
        this.#frontier = mailPrefix(message.target);
      }
      if (this.#at.mailbox !== undefined) this.#count(this.#at.mailbox, message, sequence);
    }
    const last = entries.at(-1);
    if (last === undefined || this.isOver) return this.#end();
    for (const mailbox of passed) this.#known(mailbox);
    this.#next(behind(last.key));
  }

  #startSearches(): void {
    while (this.#searches < SEARCHES) {
      const mailbox = this.#inLine.shift();
      if (mailbox === undefined) return;
      if (mailbox.isKnown) continue;
      this.#searches++;
      this.#look(mailbox, mailPrefix(mailbox.address));
    }
  }

  #look(mailbox: Mailbox, from: Uint8Array): void {
    const { type, id } = mailbox.address;
    const until = keyOf("mail", type, id, this.#parts.firstNew);
    const maxBytes = SURVEY_BYTES / SEARCHES;
    const range = { from, until, limit: this.#parts.pageMessages, maxBytes };
    this.#parts.reads.scan(range, (entries) => {
      for (const { key, value } of entries) {
        this.#count(mailbox, decodeMessage(value), lastNumberOf(key));
      }
      const last = entries.at(-1);
      if (this.isOver) this.#end();
      if (last !== undefined && !mailbox.isKnown) return this.#look(mailbox, behind(last.key));
      this.#searches--;
      if (!mailbox.isKnown) {
        if (this.#unknown.get(mailbox) !== NONE) this.#ahead.add(mailbox.key);
        this.#known(mailbox);
      }
      this.#startSearches();
    });
  }

  #count(mailbox: Mailbox, message: Message, sequence: number): void {
    const last = this.#unknown.get(mailbox);
    if (last === undefined || sequence <= last) return; // it is known, or that part of it
    this.#unknown.set(mailbox, sequence);
    this.#parts.restore(mailbox, message, sequence);
    this.#left--;
  }

  #known(mailbox: Mailbox): void {
    if (!this.#unknown.delete(mailbox)) return;
    mailbox.becomeKnown();
    const wanted = this.#wanted.get(mailbox);
    this.#wanted.delete(mailbox);
    for (const then of wanted ?? []) then();
    this.#onKnown(mailbox);
  }

  #end(): void {
    this.#left = 0;
    this.#at = undefined;
    this.#ahead.clear();
    for (const mailbox of [...this.#unknown.keys()]) this.#known(mailbox);
  }
}

function mailPrefix({ type, id }: Address): Uint8Array {
  return keyOf("mail", type, id);
}

function behind(key: Uint8Array): Uint8Array {
  return Buffer.concat([key, Buffer.of(0)]);
}
