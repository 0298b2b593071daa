/**
 * One partition's share of a snapshot: what of its cut is written, and into which segments.
 *
 * A share holds everything, or comes on top of the share of an earlier snapshot that is complete and still
 * kept: then only what has changed since is written. Everything is written when
 *
 * - what has changed is unknown, or the snapshot it is known since is gone;
 * - the deltas on top of the last whole share have come to be as many bytes as that (so a share takes twice
 *   the bytes of the state at most, and one delta more), or MAX_DELTAS;
 * - as many keys have changed as there are.
 */
import { assert } from "../base/assert.ts";
import { StatefoldError } from "../base/errors.ts";
import type { BlobStore } from "../blob/contract.ts";
import type { StoreReader } from "../store/contract.ts";
import { endOfPrefix, keyOf } from "../store/keys.ts";
import { decodeMeta, type MetaRecord } from "../store/records/meta.ts";
import { decodePosition } from "../store/records/position.ts";
import type { PartitionCut } from "./cut.ts";
import { type AttemptName, segmentKey } from "./layout.ts";
import type { PartitionShare, SegmentRef } from "./manifest.ts";
import type { Packing } from "./packing.ts";
import type { Change, SegmentSums } from "./segment-format.ts";
import { writeSegment } from "./segment-writer.ts";
import { type ChangeSource, differences, everything } from "./share-changes.ts";

/** On top of a whole share. A restore reads all of them. */
const MAX_DELTAS = 16;
/** Of one segment, unpacked: a partition has as many as it takes. */
const SEGMENT_BYTES = 64 * 1024 * 1024;
/** Position records read at once. */
const PAGE = 1_000;

export interface ShareOptions {
  readonly blob: BlobStore;
  readonly packing: Packing;
  readonly attempt: AttemptName;
  readonly signal: AbortSignal;
  /** Default SEGMENT_BYTES. */
  readonly segmentBytes?: number | undefined;
}

export interface WrittenShare extends PartitionShare {
  /** Of the segments that were written for it. */
  readonly writtenBytes: number;
}

/**
 * @param base the share of the snapshot that the cut's changes are known since; undefined: there is none
 * @throws what the blob store and the cut throw; nothing that was written is named anywhere then
 */
export async function writeShare(
  options: ShareOptions,
  cut: PartitionCut,
  base: PartitionShare | undefined,
): Promise<WrittenShare> {
  const { snapshot, changes } = cut;
  const meta = await metaOf(cut);
  const positions = await positionsOf(snapshot);
  const isDelta = base !== undefined && changes !== undefined && isWorthDelta(base, changes.keys);
  const source = isDelta ? await differences(snapshot, changes.keys) : everything(snapshot);
  const written = await writeSegments(options, cut.partition, source, isDelta);
  const segments = isDelta ? [...base.segments, ...written] : written;
  return { meta, positions, segments, writtenBytes: bytesOf(written) };
}

function isWorthDelta(base: PartitionShare, sets: readonly ReadonlySet<string>[]): boolean {
  const whole = base.segments.filter(({ delta }) => !delta);
  const deltas = base.segments.filter(({ delta }) => delta);
  const keys = sets.reduce((sum, { size }) => sum + size, 0);
  return (
    deltas.length < MAX_DELTAS &&
    bytesOf(deltas) <= bytesOf(whole) &&
    keys < whole.reduce((sum, { changes }) => sum + changes, 0)
  );
}

function bytesOf(segments: readonly SegmentRef[]): number {
  return segments.reduce((sum, { bytes }) => sum + bytes, 0);
}

async function writeSegments(
  options: ShareOptions,
  partition: number,
  source: ChangeSource,
  delta: boolean,
): Promise<SegmentRef[]> {
  const { blob, packing, attempt, signal, segmentBytes = SEGMENT_BYTES } = options;
  const segments: SegmentRef[] = [];
  let after: Uint8Array | undefined;
  do {
    const key = segmentKey(attempt, partition, segments.length);
    let sums: SegmentSums | undefined;
    let last: Uint8Array | undefined;
    const open = (): AsyncIterable<Uint8Array> => {
      const limited = upTo(source.open(after), segmentBytes, (end) => {
        last = end;
      });
      return writeSegment(limited, packing, (all) => {
        sums = all;
      });
    };
    const put = await blob.put(key, { open }, { ifAbsent: true, signal });
    if (!put.stored) {
      const text = `${key} is there already: another process writes below the same prefix`;
      throw new StatefoldError("SNAPSHOT_ABANDONED", text);
    }
    assert(sums !== undefined, "a segment that was stored was read to its end");
    segments.push({ ...sums, key, delta });
    after = last;
  } while (after !== undefined);
  return segments;
}

/**
 * As many changes as reach so many bytes.
 *
 * @param ended told at the end: the last key when there is more
 */
async function* upTo(
  pages: AsyncIterable<readonly Change[]>,
  maxBytes: number,
  ended: (last: Uint8Array | undefined) => void,
): AsyncGenerator<readonly Change[]> {
  let bytes = 0;
  let last: Uint8Array | undefined;
  for await (const page of pages) {
    let taken = 0;
    for (const { key, value } of page) {
      if (bytes >= maxBytes) break;
      last = key;
      bytes += key.byteLength + (value?.byteLength ?? 0);
      taken++;
    }
    if (taken > 0) yield taken === page.length ? page : page.slice(0, taken);
    if (taken < page.length) return ended(last);
  }
  ended(undefined);
}

async function metaOf({ partition, barrier, snapshot }: PartitionCut): Promise<MetaRecord> {
  const [bytes] = await snapshot.getMany([keyOf("meta")]);
  assert(bytes !== undefined, `the cut of partition ${partition} has a record of it`);
  const meta = decodeMeta(bytes);
  assert(meta.barrier === barrier, `partition ${partition} was cut at ${meta.barrier}`);
  return meta;
}

async function positionsOf(cut: StoreReader): Promise<ReadonlyMap<string, number>> {
  const positions = new Map<string, number>();
  let from = keyOf("position");
  const until = endOfPrefix(from);
  for (;;) {
    const page = await cut.scan({ from, until, limit: PAGE });
    for (const { value } of page) {
      const { source, next } = decodePosition(value);
      positions.set(source, next);
    }
    const last = page.at(-1);
    if (last === undefined) return positions;
    from = Buffer.concat([last.key, Uint8Array.of(0)]);
  }
}
