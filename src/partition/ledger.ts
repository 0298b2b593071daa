/**
 * I4, conservation: every accepted message is in exactly one place, or done.
 *
 *   accepted = finished + mail + timers + outbox + dead
 *
 * Counted where it happens; the sum is compared at each commit, and the simulation compares each place
 * with what the store really holds. Parked messages are mail of an address that waits.
 *
 * Fleeting mail (mailboxes.ts) is not in the store, and its books do not know of it: see {@link Ledger.written}.
 */
export interface LedgerCounts {
  accepted: number;
  finished: number;
  mail: number;
  timers: number;
  outbox: number;
  dead: number;
  /** What the effects in the outboxes weigh: no place of its own, so not part of the sum. */
  outboxBytes: number;
}

export class Ledger implements LedgerCounts {
  accepted = 0;
  finished = 0;
  mail = 0;
  timers = 0;
  outbox = 0;
  dead = 0;
  outboxBytes = 0;
  /** Of the mail: what is in memory alone. */
  fleeting = 0;

  constructor(counts?: LedgerCounts) {
    if (counts === undefined) return;
    this.accepted = counts.accepted;
    this.finished = counts.finished;
    this.mail = counts.mail;
    this.timers = counts.timers;
    this.outbox = counts.outbox;
    this.dead = counts.dead;
    this.outboxBytes = counts.outboxBytes;
  }

  /** What the books of a commit say: as if fleeting mail had never come. */
  get written(): LedgerCounts {
    const { accepted, finished, mail, timers, outbox, dead, outboxBytes, fleeting } = this;
    return {
      accepted: accepted - fleeting,
      finished,
      mail: mail - fleeting,
      timers,
      outbox,
      dead,
      outboxBytes,
    };
  }

  /** What is unaccounted for: 0, or a mistake of ours. */
  get drift(): number {
    return this.accepted - this.finished - this.mail - this.timers - this.outbox - this.dead;
  }
}
