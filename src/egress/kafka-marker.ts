import type { CommittedOffset, TopicPartition } from "../kafka/contract.ts";

/**
 * How far a partition has published over an egress, as Kafka itself remembers it: an offset of a group that
 * has no members and consumes nothing, committed with the records in one transaction. Beside it stands who
 * wrote it, and which records were refused, since those are given up once only.
 *
 *   offset = the number behind the last record that was published or refused
 *   note   = "1 " owner " " (number ",")*      the numbers of what was refused, from `base` on
 */
export interface Marker {
  /** Behind the last record that is done. */
  readonly next: number;
  /** Kafka wants a partition that exists; which one does not matter. */
  readonly at: TopicPartition;
  /** The process that wrote it. */
  readonly owner: string;
  /** Of the transaction it was written with. */
  readonly refused: readonly number[];
}

/** Brokers take 4,096 bytes by default. */
const NOTE_MAX_BYTES = 2_000;

export function encodeMarker({ next, at, owner, refused }: Marker): CommittedOffset {
  const note = `1 ${owner} ${refused.map((number) => next - number).join(",")}`;
  return { ...at, offset: next, note };
}

/** How many refused records fit beside a marker, at nine characters each. */
export const REFUSED_MAX = NOTE_MAX_BYTES / 10 - 10;

/** The marker among what the group has; undefined: it has none. The partition may have changed. */
export function findMarker(offsets: readonly CommittedOffset[]): Marker | undefined {
  let last: CommittedOffset | undefined;
  for (const found of offsets) if (last === undefined || found.offset > last.offset) last = found;
  if (last === undefined) return undefined;
  const { topic, partition, offset: next, note } = last;
  const [version, owner = "", refused = ""] = note.split(" ");
  const distances = version === "1" && refused !== "" ? refused.split(",").map(Number) : [];
  return { next, at: { topic, partition }, owner, refused: distances.map((far) => next - far) };
}
