/** Reads everything of a snapshot back, and compares it with what was written. */
import { describeError, StatefoldError } from "../base/errors.ts";
import { topicPartsOf } from "./manifest.ts";
import {
  bytesOfTopicPart,
  changesOfSegment,
  loadManifest,
  type SegmentsOptions,
} from "./stored-snapshots.ts";

export interface Verified {
  readonly segments: number;
  readonly bytes: number;
  readonly changes: number;
}

/**
 * @param seen segments that were found whole before, by their keys: they are not read again
 * @throws StatefoldError SNAPSHOT_CORRUPT, which names the part that is damaged or missing; SNAPSHOT_FORMAT
 */
export async function verifySnapshot(
  options: SegmentsOptions,
  name: string,
  seen: Set<string> = new Set(),
): Promise<Verified> {
  const manifest = await loadManifest(options.blob, name, options.signal);
  let [count, bytes, changes] = [0, 0, 0];
  for (const part of topicPartsOf(manifest)) {
    const mark = `${part.key} ${part.sha256}`;
    if (!seen.has(mark)) for await (const _ of bytesOfTopicPart(options, part));
    seen.add(mark);
    count++;
    bytes += part.bytes;
  }
  for (const { segments } of manifest.partitions) {
    for (const ref of segments) {
      const mark = `${ref.key} ${ref.sha256}`;
      if (!seen.has(mark)) for await (const _ of changesOfSegment(options, ref));
      seen.add(mark);
      count++;
      bytes += ref.bytes;
      changes += ref.changes;
    }
  }
  return { segments: count, bytes, changes };
}

/** The newest of these snapshots, which are given oldest first, that is whole; undefined: none is. */
export async function newestWhole(
  options: SegmentsOptions,
  snapshots: readonly string[],
): Promise<string | undefined> {
  const seen = new Set<string>();
  for (const name of [...snapshots].reverse()) {
    try {
      await verifySnapshot(options, name, seen);
      return name;
    } catch (error) {
      if (!isDamage(error)) throw error;
    }
  }
  return undefined;
}

export function isDamage(error: unknown): error is StatefoldError {
  if (!(error instanceof StatefoldError)) return false;
  return error.code === "SNAPSHOT_CORRUPT" || error.code === "BLOB_CORRUPT";
}

/** What to tell whoever meets damage in one of the snapshots: with the newest of the others that is whole. */
export async function withAdvice(
  options: SegmentsOptions,
  snapshots: readonly string[],
  name: string,
  error: StatefoldError,
): Promise<StatefoldError> {
  const others = snapshots.filter((each) => each !== name);
  const whole = await newestWhole(options, others);
  const advice =
    whole === undefined
      ? "none of the others that are kept is whole"
      : `the newest that is whole is ${Number(whole.split("-")[0])}`;
  const text = `snapshot ${name} cannot be restored: ${describeError(error)}; ${advice}`;
  return new StatefoldError("SNAPSHOT_CORRUPT", text, { cause: error });
}
