/**
 * What lies where below the prefix of an application's snapshots.
 *
 *   head.json                                            which snapshots there are, and whose they are: head.ts
 *   manifests/<barrier>-<term>.json                      what one of them is made of: manifest.ts
 *   segments/<term>/<barrier>-p<partition>-<part>.seg    a part of one partition's share: segment-format.ts
 *   topics/<term>/<barrier>-<part>.log                   a part of a segment of the topic log, as it is: topics-share.ts
 *
 * `head.json` is the only object that is ever replaced. A snapshot exists exactly when the head names it.
 *
 * The barrier is written in 12 digits, so that names sort as snapshots do, partition and part in 5. The
 * term counts the owners of the prefix (head.ts): two of them never write under one name, whatever they
 * believe. Of which topic a part is, the manifest says.
 */
import { assert } from "../base/assert.ts";

export const HEAD_KEY = "head.json";
export const MANIFESTS = "manifests/";
export const SEGMENTS = "segments/";
export const TOPICS = "topics/";

/** Whose attempt at which snapshot: what every object but the head belongs to. */
export interface AttemptName {
  readonly barrier: number;
  readonly term: number;
}

/** A snapshot as the head names it. */
export function snapshotName({ barrier, term }: AttemptName): string {
  return `${digits(barrier, BARRIER_DIGITS)}-${term}`;
}

export function isSnapshotName(name: string): boolean {
  return /^\d{12,}-\d+$/.test(name);
}

export function manifestKey(name: string): string {
  return `${MANIFESTS}${name}.json`;
}

export function segmentKey(attempt: AttemptName, partition: number, part: number): string {
  const { barrier, term } = attempt;
  const share = `p${digits(partition, PART_DIGITS)}-${digits(part, PART_DIGITS)}`;
  return `${SEGMENTS}${term}/${digits(barrier, BARRIER_DIGITS)}-${share}.seg`;
}

export function topicPartKey({ barrier, term }: AttemptName, part: number): string {
  return `${TOPICS}${term}/${digits(barrier, BARRIER_DIGITS)}-${digits(part, PART_DIGITS)}.log`;
}

/** The attempt an object belongs to; undefined for the head, and for what is not ours. */
export function attemptOf(key: string): AttemptName | undefined {
  const manifest = /^manifests\/(\d{12,})-(\d+)\.json$/.exec(key);
  if (manifest !== null) return { barrier: Number(manifest[1]), term: Number(manifest[2]) };
  const part = /^topics\/(\d+)\/(\d{12,})-\d{5,}\.log$/.exec(key);
  if (part !== null) return { barrier: Number(part[2]), term: Number(part[1]) };
  const segment = /^segments\/(\d+)\/(\d{12,})-p\d{5,}-\d{5,}\.seg$/.exec(key);
  if (segment !== null) return { barrier: Number(segment[2]), term: Number(segment[1]) };
  return undefined;
}

/** The attempt that a snapshot came of. */
export function attemptOfSnapshot(name: string): AttemptName {
  const [barrier, term] = name.split("-").map(Number);
  assert(barrier !== undefined && term !== undefined, `${name} names a snapshot`);
  return { barrier, term };
}

const BARRIER_DIGITS = 12;
const PART_DIGITS = 5;

function digits(value: number, count: number): string {
  assert(Number.isSafeInteger(value) && value >= 0, `${value} is no number of a name`);
  return String(value).padStart(count, "0");
}
