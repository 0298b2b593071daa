/**
 * All pending mail of a partition: which addresses have any, what of it is in memory, and its share of
 * every commit.
 *
 * A message that comes and is handled within one epoch is never written. One that is pending when a
 * commit starts is written with it, and removed by the commit that holds its outcome (I3).
 *
 * Fleeting mail is what nobody was promised anything for: calls without an idempotency key, while whoever made
 * one waits and has been told nothing. Commits pass it over, and the books with them: on the disk it never
 * came. If the memory is lost the caller's connection is, too, and he knows that he knows nothing. So is a
 * cut without it right (I7): it came after. It ceases to be fleeting, and is written with the next commit,
 * when the caller leaves, or is told anything ({@link Mailboxes.keep}); when its address has not been answered
 * with effects, since that may take long, and an operator looks at the store; and at once when it is not in the head of its mailbox, since what is behind that goes to disk.
 */
import { assert } from "../base/assert.ts";
import { Chain } from "../base/chain.ts";
import { type Address, addressKey } from "../model/address.ts";
import { type Message, messageBytes } from "../model/message.ts";
import { endOfPrefix, KeyReader, keyOf, lastNumberOf } from "../store/keys.ts";
import { decodeMessage, encodeMessage } from "../store/records/message.ts";
import type { Epochs } from "./epochs.ts";
import type { Ledger } from "./ledger.ts";
import type { PartitionLimits } from "./limits.ts";
import { heldBytes, IDLE, Mailbox, type Pending, pendingOf } from "./mailbox.ts";
import type { Reads } from "./reads.ts";
import { Survey } from "./survey.ts";

const NOTHING = { messages: 0, bytes: 0 };

interface StoredMail {
  readonly sequence: number;
  readonly value: Uint8Array;
}

/** Spilled mail read back at once, in bytes. */
const LOAD_BYTES = 1024 * 1024;

export class Mailboxes {
  readonly #epochs: Epochs;
  readonly #reads: Reads;
  readonly #ledger: Ledger;
  readonly #limits: PartitionLimits;
  readonly #boxes = new Map<string, Mailbox>();
  /** What the next commit must write: what is done by then is in it no more, nor in memory. */
  readonly #unwritten = new Chain<Pending>();
  /** With a tail that a commit may move to disk. */
  readonly #tailed = new Set<Mailbox>();
  /** Parked, with a head that is not durable yet: it leaves memory once it is. */
  readonly #parkedHeads = new Set<Mailbox>();
  /** Unfinished mail by function type; types without any are not in it. */
  readonly #byType = new Map<string, { messages: number; bytes: number }>();
  #bytesInMemory = 0;
  #unfinishedBytes = 0;
  #parkedCount = 0;
  #parkedBytes = 0;
  readonly #survey: Survey;

  /** @param firstSequence the first that is given: what is in the store has lower ones, as many as the books say */
  constructor(
    epochs: Epochs,
    reads: Reads,
    ledger: Ledger,
    limits: PartitionLimits,
    firstSequence: number,
  ) {
    this.#epochs = epochs;
    this.#reads = reads;
    this.#ledger = ledger;
    this.#limits = limits;
    this.#survey = new Survey({
      reads,
      pageMessages: limits.surveyMessages,
      count: ledger.mail,
      firstNew: firstSequence,
      of: (address) => this.of(address),
      restore: (mailbox, message, sequence) => this.#restore(mailbox, message, sequence),
    });
  }

  /** All mail that was in the store at the opening is counted. Until then figures lack some of it. */
  get isSurveyed(): boolean {
    return this.#survey.isOver;
  }

  /** Messages of it that are not counted yet. */
  get uncounted(): number {
    return this.#survey.left;
  }

  /** Starts counting what is in the store; `onKnown` hears of each mailbox with mail of before that is known. */
  survey(onKnown: (mailbox: Mailbox) => void): void {
    this.#survey.begin(onKnown);
  }

  /** Calls `then` when all mail of an address is known: at once, or when it was looked for. */
  whenKnown(mailbox: Mailbox, then: () => void): void {
    this.#survey.search(mailbox, then);
  }

  /** Messages of an address; undefined: there may be more of them in the store. */
  countOf(address: Address): number | undefined {
    const key = addressKey(address);
    const mailbox = this.#boxes.get(key);
    if (mailbox === undefined) return this.#survey.knows(address, key) ? 0 : undefined;
    return mailbox.isKnown ? mailbox.count : undefined;
  }

  /** Bytes of mail that counts against the bound of unfinished work: all but that of parked addresses. */
  get unfinishedBytes(): number {
    return this.#unfinishedBytes;
  }

  /** The part of it that is for functions of one type. */
  unfinishedOf(type: string): { readonly messages: number; readonly bytes: number } {
    return this.#byType.get(type) ?? NOTHING;
  }

  /** Messages of parked addresses. */
  get parkedCount(): number {
    return this.#parkedCount;
  }

  /** Bytes of all mail, that of parked addresses included. */
  get bytes(): number {
    return this.#unfinishedBytes + this.#parkedBytes;
  }

  get bytesInMemory(): number {
    return this.#bytesInMemory;
  }

  get addresses(): number {
    return this.#boxes.size;
  }

  get(key: string): Mailbox | undefined {
    return this.#boxes.get(key);
  }

  values(): Iterable<Mailbox> {
    return this.#boxes.values();
  }

  /** The mailbox of an address, made when it has none. */
  of(address: Address): Mailbox {
    const key = addressKey(address);
    let mailbox = this.#boxes.get(key);
    if (mailbox === undefined) {
      const isKnown = this.#survey.knows(address, key);
      mailbox = new Mailbox(address, key, this.#limits.mailboxMessagesInMemory, isKnown);
      this.#boxes.set(key, mailbox);
      if (!isKnown) this.#survey.add(mailbox);
    }
    return mailbox;
  }

  /** `fleeting`: it may be. Whoever says so calls {@link keep} when it no longer may. */
  append(mailbox: Mailbox, message: Message, sequence: number, fleeting = false): Pending {
    const pending = pendingOf(message, sequence, this.#epochs.current);
    this.#ledger.mail++;
    this.#account(mailbox, pending.bytes, 1);
    const isInHead = this.#place(mailbox, pending);
    if (fleeting && isInHead && mailbox.phase.kind !== "parked") {
      pending.fleeting = true;
      this.#ledger.fleeting++;
    } else this.#toWrite(pending);
    return pending;
  }

  /** What was fleeting is so no longer: the next commit holds it, or its outcome. */
  keep(pending: Pending): void {
    if (!pending.fleeting) return;
    pending.fleeting = false;
    this.#ledger.fleeting--;
    this.#toWrite(pending);
  }

  /**
   * Mail of before, in order. It is counted, and let go again: there may be more than is served soon, and what is
   * served is read then.
   */
  #restore(mailbox: Mailbox, message: Message, sequence: number): void {
    const bytes = messageBytes(message);
    mailbox.restore(sequence, bytes, message.caller);
    this.#account(mailbox, bytes, 1);
  }

  /** The same for all mail of an address. */
  keepAll(mailbox: Mailbox): void {
    for (const pending of mailbox.head) this.keep(pending);
  }

  /** Takes the first message out of its mailbox for good. */
  finishFirst(mailbox: Mailbox): Pending | undefined {
    const pending = mailbox.shift();
    if (pending === undefined) return undefined;
    this.#bytesInMemory -= heldBytes(pending);
    this.#ledger.mail--;
    if (pending.fleeting) {
      pending.fleeting = false;
      this.#ledger.fleeting--;
    }
    this.#account(mailbox, -pending.bytes, -1);
    this.#epochs.touch();
    if (pending.written) {
      this.#epochs.write(mailKey(mailbox.address, pending.sequence), undefined);
    } else this.#unwritten.remove(pending);
    return pending;
  }

  /** Forgets a mailbox that holds nothing. */
  discard(mailbox: Mailbox): void {
    this.#boxes.delete(mailbox.key);
    this.#tailed.delete(mailbox);
    this.#parkedHeads.delete(mailbox);
  }

  /**
   * Mail of parked addresses does not count as unfinished: they must not stop the sources (I6). Nor does
   * it stay in memory, where it would leave no room for that of the others.
   */
  park(mailbox: Mailbox): void {
    if (mailbox.phase.kind === "parked") return;
    this.#unfinished(mailbox, -mailbox.bytes, -mailbox.count);
    this.#parkedCount += mailbox.count;
    this.#parkedBytes += mailbox.bytes;
    mailbox.phase = { kind: "parked" };
    this.keepAll(mailbox);
    this.#unload(mailbox);
  }

  unpark(mailbox: Mailbox): void {
    if (mailbox.phase.kind !== "parked") return;
    this.#unfinished(mailbox, mailbox.bytes, mailbox.count);
    this.#parkedCount -= mailbox.count;
    this.#parkedBytes -= mailbox.bytes;
    mailbox.phase = IDLE;
    this.#parkedHeads.delete(mailbox);
  }

  /** Calls `then` when the first messages of an address are in its head: at once, or when they were read. */
  withMail(mailbox: Mailbox, then: () => void): void {
    mailbox.closeGap();
    if (mailbox.needsMail) this.#load(mailbox, then);
    else then();
  }

  /** Reads the next spilled mail of an address into its head. */
  #load(mailbox: Mailbox, then: () => void): void {
    const { address, spilledFirst, spilledLast, spilledCount } = mailbox;
    const take = (stored: readonly StoredMail[]): void => {
      mailbox.unspill(stored.map(({ sequence, value }) => this.#readBack(sequence, value)));
      then();
    };
    if (spilledCount === 1) {
      // A key in a list of many costs a twentieth of a range.
      return this.#reads.get(mailKey(address, spilledLast), (value) => {
        assert(value !== undefined, `the spilled mail of ${mailbox.key} is not in the store`);
        take([{ sequence: spilledLast, value }]);
      });
    }
    const range = {
      from: mailKey(address, spilledFirst),
      until: mailKey(address, spilledLast + 1),
      limit: this.#limits.mailboxMessagesInMemory,
      maxBytes: LOAD_BYTES,
    };
    this.#reads.scan(range, (entries) => {
      assert(entries.length > 0, `the spilled mail of ${mailbox.key} is not in the store`);
      take(entries.map(({ key, value }) => ({ sequence: lastNumberOf(key), value })));
    });
  }

  #readBack(sequence: number, value: Uint8Array): Pending {
    const pending = pendingOf(decodeMessage(value), sequence, 0);
    pending.written = true;
    this.#bytesInMemory += heldBytes(pending);
    return pending;
  }

  /** I3: all mail that is still pending becomes part of the commit that starts. */
  write(): void {
    for (let next = this.#unwritten.shift(); next !== undefined; next = this.#unwritten.shift()) {
      const { message, sequence } = next;
      next.written = true;
      next.epoch = this.#epochs.current;
      this.#epochs.write(mailKey(message.target, sequence), encodeMessage(message));
    }
  }

  /** What a finished commit made durable need not be in memory twice. */
  spill(): void {
    for (const mailbox of this.#tailed) {
      this.#bytesInMemory -= mailbox.spill(this.#epochs.committed);
      if (mailbox.tail.size === 0) this.#tailed.delete(mailbox);
    }
    for (const mailbox of this.#parkedHeads) this.#unload(mailbox);
  }

  #unload(mailbox: Mailbox): void {
    this.#bytesInMemory -= mailbox.unload(this.#epochs.committed);
    if (mailbox.head.size > 0) this.#parkedHeads.add(mailbox);
    else this.#parkedHeads.delete(mailbox);
  }

  #toWrite(pending: Pending): void {
    this.#unwritten.append(pending);
    this.#epochs.touch();
    this.#epochs.weigh(pending.bytes);
  }

  /** Returns whether it is in the head. */
  #place(mailbox: Mailbox, pending: Pending): boolean {
    this.#bytesInMemory += heldBytes(pending);
    const room = this.#bytesInMemory <= this.#limits.mailBytesInMemory;
    const isInHead = mailbox.append(pending, room);
    if (mailbox.tail.size > 0) this.#tailed.add(mailbox);
    if (mailbox.phase.kind === "parked" && mailbox.head.size > 0) this.#parkedHeads.add(mailbox);
    return isInHead;
  }

  #account(mailbox: Mailbox, bytes: number, count: number): void {
    if (mailbox.phase.kind !== "parked") return this.#unfinished(mailbox, bytes, count);
    this.#parkedCount += count;
    this.#parkedBytes += bytes;
  }

  #unfinished(mailbox: Mailbox, bytes: number, messages: number): void {
    this.#unfinishedBytes += bytes;
    const { type } = mailbox.address;
    let own = this.#byType.get(type);
    if (own === undefined) {
      own = { messages: 0, bytes: 0 };
      this.#byType.set(type, own);
    }
    own.messages += messages;
    own.bytes += bytes;
    if (own.messages === 0) this.#byType.delete(type);
  }
}

export function mailKey(address: Address, sequence: number): Uint8Array {
  return keyOf("mail", address.type, address.id, sequence);
}

/** Where the mail of one address stands. */
export function mailRange(address: Address): { from: Uint8Array; until: Uint8Array } {
  const from = keyOf("mail", address.type, address.id);
  return { from, until: endOfPrefix(from) };
}

export function readMailKey(key: Uint8Array): { address: Address; sequence: number } {
  const reader = new KeyReader(key);
  const address = { type: reader.text(), id: reader.text() };
  return { address, sequence: reader.number() };
}
