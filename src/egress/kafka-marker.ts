import type { CommittedOffset, TopicPartition } from "../kafka/contract.ts";

/**
 * How far a partition has published over an egress, as Kafka itself remembers it: an offset of a group that
 * has no members and consumes nothing, committed with the records in one transaction. Beside it stands who
 * wrote it, and which of the last records were refused, since those are given up once only, by a partition
 * that may not have heard of it yet.
 *
 *   offset = the number behind the last record that was published or refused
 *   note   = "1 " data "." process " " bits      bit k (of byte k / 8, from the low end) is set: offset − 1 − k
 *                                                was refused; in base64, without the zeros at the end
 */
export interface Marker {
  /** Behind the last record that is done. */
  readonly next: number;
  /** Kafka wants a partition that exists; which one does not matter. */
  readonly at: TopicPartition;
  readonly owner: MarkerOwner;
  /** Within {@link REFUSED_WITHIN} of `next`, ascending. */
  readonly refused: readonly number[];
}

/** Without spaces and points. Both empty: a person wrote it. */
export interface MarkerOwner {
  /** Whose numbers these are: a data directory's, and those of the ones that were restored in its place. */
  readonly data: string;
  /** One life of a process. */
  readonly process: string;
}

/** These are numbers of this data, as far as the marker says. */
export function isOfData({ owner }: Marker, data: string): boolean {
  return owner.data === "" || owner.data === data;
}

/**
 * So far back refused records are remembered. Brokers take notes of 4,096 bytes by default; this makes half
 * of that.
 */
export const REFUSED_WITHIN = 12_000;

export function encodeMarker({ next, at, owner, refused }: Marker): CommittedOffset {
  const note = `1 ${owner.data}.${owner.process} ${encodeBits(next, refused)}`;
  return { ...at, offset: next, note };
}

/** The marker among what the group has; undefined: it has none. The partition may have changed. */
export function findMarker(offsets: readonly CommittedOffset[]): Marker | undefined {
  let last: CommittedOffset | undefined;
  for (const found of offsets) if (last === undefined || found.offset > last.offset) last = found;
  if (last === undefined) return undefined;
  const { topic, partition, offset: next, note } = last;
  const [version, owner = "", bits = ""] = note.split(" ");
  const at = { topic, partition };
  if (version !== "1") return { next, at, owner: { data: "", process: "" }, refused: [] };
  const [data = "", process = ""] = owner.split(".");
  return { next, at, owner: { data, process }, refused: decodeBits(next, bits) };
}

function encodeBits(next: number, refused: readonly number[]): string {
  const bits = Buffer.alloc(REFUSED_WITHIN / 8);
  let length = 0;
  for (const number of refused) {
    const k = next - 1 - number;
    if (k < 0 || k >= REFUSED_WITHIN) continue;
    const at = k >> 3;
    bits[at] = (bits[at] ?? 0) | (1 << (k & 7));
    length = Math.max(length, at + 1);
  }
  return bits.toString("base64", 0, length);
}

function decodeBits(next: number, text: string): number[] {
  const refused: number[] = [];
  const bits = Buffer.from(text, "base64");
  for (let k = bits.byteLength * 8 - 1; k >= 0; k--) {
    if (((bits[k >> 3] ?? 0) & (1 << (k & 7))) !== 0) refused.push(next - 1 - k);
  }
  return refused;
}
