import type { Report } from "../base/report.ts";
import { readBatch } from "./batch.ts";
import type { FileCache } from "./file-cache.ts";
import { findFrame, frameAt } from "./frame.ts";
import {
  corrupt,
  createSegment,
  readSegmentFile,
  type Segment,
  type SegmentFile,
  segmentBases,
  segmentPath,
} from "./segment.ts";
import type { SegmentHead } from "./segment-head.ts";
import { SparseIndex } from "./sparse-index.ts";
import type { SyncedNote } from "./synced-note.ts";

/**
 * Opens a partition: brings its files into the state of the last acknowledged append, or of a later one
 * that made it to the disk whole.
 *
 * Read are the name, size and head of every segment, and the whole of the last one; nothing else.
 *
 * What an append leaves behind that was never acknowledged is cut off. What was acknowledged and is
 * damaged is LOG_CORRUPT. They are told apart by two witnesses: every batch says how much of its file
 * was synced before it was written, and the note says how far the partition was synced some time ago.
 */
export interface RecoveryInput {
  readonly cache: FileCache;
  readonly directory: string;
  readonly topic: string;
  readonly partition: number;
  readonly note: SyncedNote | undefined;
  readonly nowMs: number;
  readonly report: Report;
}

/** What a partition knows of its files. */
export interface PartitionState {
  /** At least one, ascending; the last one grows. */
  readonly segments: Segment[];
  /** Behind the last synced record. */
  endOffset: number;
  /** Producer id → the highest of its numbers that is synced. */
  readonly marks: Map<string, number>;
}

const CONSEQUENCE =
  "The partition stays closed, so that nothing is lost silently: restore its folder from a snapshot";

export async function recover(input: RecoveryInput): Promise<PartitionState> {
  const found = await readHeads(input);
  checkChain(input, found.segments);
  const segments = found.segments.map(({ base, path, file, head }, i): Segment => {
    const previous = found.segments[i + 1]?.head.previous;
    return {
      base,
      path,
      createdAtMs: head.createdAtMs,
      headBytes: file.headBytes,
      dataEnd: previous?.dataEnd ?? file.size,
      closedBytes: previous?.size,
      index: undefined,
    };
  });
  const active = segments.at(-1);
  const head = found.segments.at(-1)?.head;
  if (active === undefined || head === undefined) {
    throw corrupt(input.directory, undefined, "there is no segment in it", CONSEQUENCE);
  }
  checkNote(input, active, segments);
  const state: PartitionState = { segments, endOffset: head.base, marks: new Map(head.marks) };
  const closedBytes = await scanActive(input, active, state);
  if (closedBytes !== undefined) {
    await continueBehind(input, active, closedBytes, state);
  } else if (found.laterWasStarted) {
    throw corrupt(
      active.path,
      active.dataEnd,
      "the segment is not closed, though a later one was begun",
      CONSEQUENCE,
    );
  }
  return state;
}

interface Found {
  readonly base: number;
  readonly path: string;
  readonly file: SegmentFile;
  readonly head: SegmentHead;
}

interface Heads {
  readonly segments: readonly Found[];
  /** A segment behind them had been begun, but not finished, and was removed. */
  readonly laterWasStarted: boolean;
}

async function readHeads(input: RecoveryInput): Promise<Heads> {
  const { cache, directory } = input;
  const bases = segmentBases(await cache.files.list(directory));
  const segments: Found[] = [];
  let laterWasStarted = false;
  for (const [i, base] of bases.entries()) {
    const path = segmentPath(directory, base);
    const file = await readSegmentFile(cache, path);
    const { head } = file;
    if (head === undefined) {
      const isLast = i > 0 && i === bases.length - 1;
      if (!isLast || input.note?.segment === base || (await holdsFrame(cache, path))) {
        throw corrupt(path, 0, "the segment's head is damaged", CONSEQUENCE);
      }
      await cache.forget(path);
      await cache.files.remove(path);
      await cache.files.syncDirectory(directory);
      laterWasStarted = true;
      continue;
    }
    if (head.topic !== input.topic || head.partition !== input.partition || head.base !== base) {
      const says = `it says it is ${head.topic}/${head.partition} from offset ${head.base}`;
      throw corrupt(path, 0, `the file is in the wrong place: ${says}`, CONSEQUENCE);
    }
    segments.push({ base, path, file, head });
  }
  return { segments, laterWasStarted };
}

/** Each segment but the first names the one before it, and that one's size. */
function checkChain(input: RecoveryInput, segments: readonly Found[]): void {
  for (const [i, { base, head }] of segments.entries()) {
    const before = segments[i - 1];
    if (before === undefined) continue;
    const { previous } = head;
    if (previous?.base !== before.base) {
      const missing = segmentPath(input.directory, previous?.base ?? base);
      const what = `the segment is missing, which held the records before offset ${base}`;
      throw corrupt(missing, undefined, what, CONSEQUENCE);
    }
    if (previous.size !== before.file.size) {
      const what = `the closed segment has ${before.file.size} bytes and had ${previous.size}`;
      throw corrupt(before.path, undefined, what, CONSEQUENCE);
    }
  }
}

function checkNote(input: RecoveryInput, active: Segment, segments: readonly Segment[]): void {
  const { note } = input;
  if (note === undefined) return;
  const path = segmentPath(input.directory, note.segment);
  const noted = segments.find(({ base }) => base === note.segment);
  if (noted?.createdAtMs === note.createdAtMs) return;
  if (note.segment < (segments[0]?.base ?? 0)) return; // retention has removed it since
  if (noted !== undefined || note.segment < active.base) {
    const what = `the segment made at ${timeOf(note.createdAtMs)} belongs here, and ${noted === undefined ? "is not" : `one made at ${timeOf(noted.createdAtMs)} is`}: it comes from another data directory`;
    throw corrupt(path, undefined, what, CONSEQUENCE);
  }
  const what = `the segment is missing; records up to offset ${note.endOffset - 1} were acknowledged`;
  throw corrupt(path, undefined, what, CONSEQUENCE);
}

/**
 * Goes through the last segment, cuts off what was never acknowledged, and syncs what remains: a record
 * that a process wrote and did not live to sync must not be shown before it is durable.
 *
 * @returns the file's size when it ends with an index, so that the next segment is to be made
 */
async function scanActive(
  input: RecoveryInput,
  active: Segment,
  state: PartitionState,
): Promise<number | undefined> {
  return await input.cache.use(active.path, async (file) => {
    const bytes = await file.read(0, await file.size());
    const closedBytes = scan(active, bytes, state);
    const end = closedBytes ?? active.dataEnd;
    checkTail(input, active.path, bytes, end, closedBytes !== undefined, state.endOffset);
    if (end < bytes.byteLength) {
      await file.truncate(end);
      input.report("warn", "The end of an append that was never acknowledged was cut off.", {
        topic: input.topic,
        partition: input.partition,
        file: active.path,
        position: end,
        bytes: bytes.byteLength - end,
      });
    }
    // What is not known to be synced is written again: a sync that failed once succeeds the next time
    // without having kept anything, and the one before may have failed.
    const known = input.note?.segment === active.base ? Math.min(input.note.position, end) : 0;
    if (known < end) await file.write(known, bytes.subarray(known, end));
    await file.sync();
    // The process that made the file may not have lived to sync its entry.
    await input.cache.files.syncDirectory(input.directory);
    return closedBytes;
  });
}

/** Takes in the whole frames of the segment, one behind the other. Returns where its index ends, if any. */
function scan(active: Segment, bytes: Buffer, state: PartitionState): number | undefined {
  active.index = new SparseIndex();
  for (let at = active.headBytes; at < bytes.byteLength; at = active.dataEnd) {
    active.dataEnd = at;
    const outcome = frameAt(bytes, at, 0);
    if (outcome.kind !== "frame" || outcome.frame.kind === "head") return undefined;
    const { frame } = outcome;
    if (frame.kind === "index") return at + frame.size;
    const batch = readBatch(frame.body);
    if (batch.base !== state.endOffset) {
      const what = `a batch from offset ${batch.base} stands where ${state.endOffset} should`;
      throw corrupt(active.path, at, what, CONSEQUENCE);
    }
    active.index.add(batch.base, at);
    state.endOffset += batch.count;
    if (batch.producer !== undefined) state.marks.set(batch.producer.id, batch.producer.last);
    active.dataEnd = at + frame.size;
  }
  return undefined;
}

/** Throws when something behind `end`, where the last whole frame ends, had been acknowledged. */
function checkTail(
  input: RecoveryInput,
  path: string,
  bytes: Buffer,
  end: number,
  closed: boolean,
  offset: number,
): void {
  const { note } = input;
  const lost = `The records from offset ${offset} on cannot be trusted. ${CONSEQUENCE}`;
  if (note !== undefined && segmentPath(input.directory, note.segment) === path) {
    if (note.position > end) {
      const what = `the bytes up to ${note.position} were synced and are damaged or gone; they held acknowledged records up to offset ${note.endOffset - 1}`;
      throw corrupt(path, end, what, lost);
    }
  }
  if (end === bytes.byteLength) return;
  if (closed) throw corrupt(path, end, "there are bytes behind the index of the segment", lost);
  const later = findFrame(bytes, end + 1, 0);
  if (later === undefined) return;
  // Only batches of the same write may stand behind one that is torn: the disk keeps no order within it.
  const synced = later.kind === "batch" ? readBatch(later.body).synced : later.position;
  if (synced > end) {
    const what = `a batch is damaged, though what stands at byte ${later.position} was written after it had been synced`;
    throw corrupt(path, end, what, lost);
  }
}

/** A crash between closing a segment and making the next is made up for. */
async function continueBehind(
  input: RecoveryInput,
  closed: Segment,
  closedBytes: number,
  state: PartitionState,
): Promise<void> {
  closed.closedBytes = closedBytes;
  const next = await createSegment(input.cache, input.directory, {
    topic: input.topic,
    partition: input.partition,
    base: state.endOffset,
    createdAtMs: input.nowMs,
    previous: { base: closed.base, dataEnd: closed.dataEnd, size: closedBytes },
    marks: state.marks,
  });
  next.index = new SparseIndex();
  state.segments.push(next);
}

function timeOf(ms: number): string {
  return new Date(ms).toISOString();
}

async function holdsFrame(cache: FileCache, path: string): Promise<boolean> {
  return await cache.use(path, async (file) => {
    const bytes = await file.read(0, await file.size());
    return findFrame(bytes, 0, 0) !== undefined;
  });
}
