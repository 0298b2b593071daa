/** What a partition says of itself in numbers, each by a name: for metrics, status, and whoever waits for it. */
import type { Partition } from "../partition/partition.ts";

export const FIGURES = {
  /** Commits, and messages taken over and done, since the data began. */
  epochs: (p) => p.epochs.committed,
  accepted: (p) => p.ledger.accepted,
  finished: (p) => p.ledger.finished,
  /** Messages that wait in mailboxes, parked ones too, and their bytes, those of parked ones too or not. */
  mail: (p) => p.ledger.mail,
  /** Of that mail: found by an opening, and not counted yet. Its bytes are not in the next two. */
  uncounted: (p) => p.mailboxes.uncounted,
  mailBytes: (p) => p.mailboxes.bytes,
  unfinishedBytes: (p) => p.mailboxes.unfinishedBytes,
  mailMemoryBytes: (p) => p.mailboxes.bytesInMemory,
  timers: (p) => p.ledger.timers,
  outbox: (p) => p.ledger.outbox,
  outboxBytes: (p) => p.ledger.outboxBytes,
  dead: (p) => p.ledger.dead,
  /** Messages unaccounted for. */
  drift: (p) => p.ledger.drift,
  parked: (p) => p.parking.size,
  inFlight: (p) => p.delivery.inFlight,
  stateCacheBytes: (p) => p.states.bytes,
  invocations: (p) => p.delivery.counts.invocations,
  handled: (p) => p.delivery.counts.messages,
  failed: (p) => p.delivery.counts.failed,
  retried: (p) => p.delivery.counts.retried,
  skipped: (p) => p.delivery.counts.skipped,
  droppedReplies: (p) => p.calls.dropped,
  /** The number of its last cut. */
  barrier: (p) => p.barrier.number,
} as const satisfies Readonly<Record<string, (partition: Partition) => number>>;

export type FigureName = keyof typeof FIGURES;

export const FIGURE_NAMES = Object.keys(FIGURES) as readonly FigureName[];

/** Records that have not left over an egress. */
export interface EgressBacklog {
  readonly pending: number;
  /** Of them, those that wait for a snapshot. */
  readonly held: number;
}

export const NO_BACKLOG: EgressBacklog = { pending: 0, held: 0 };

/** Its own, and what it has for others that it is heir to. */
export function backlogOf({ outboxes }: Partition, egress: string): EgressBacklog {
  let [pending, held] = [0, 0];
  for (const outbox of outboxes.ofEgress(egress)) {
    pending += outbox.size;
    held += outbox.held;
  }
  return { pending, held };
}
