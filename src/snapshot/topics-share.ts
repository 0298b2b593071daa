/**
 * The topic log's share of a snapshot: its segments as they are, each in parts.
 *
 * A segment only ever grows, so what an earlier snapshot that is kept holds of it is not written again: the next
 * part goes on behind. So that parts stay few, what is new is written together with the parts before it that are
 * not more than twice as large: each is more than twice the next, and a byte is written some few times before
 * its segment is closed.
 *
 * What another process has written (of this one in an earlier life, or of a snapshot that this data directory
 * was restored from) is taken for a part of a segment only if the bytes here have the same checksum. So
 * nothing depends on whose directory a segment was in.
 */
import { createHash } from "node:crypto";
import { assert } from "../base/assert.ts";
import { StatefoldError } from "../base/errors.ts";
import type { BlobStore } from "../blob/contract.ts";
import type { LogCut, SegmentCut } from "../log/cut.ts";
import { atOnce } from "./at-once.ts";
import { type AttemptName, topicPartKey } from "./layout.ts";
import type { Manifest, TopicPart, TopicPartitionShare, TopicShare } from "./manifest.ts";

/** Segments that are written at once: most are small, and a store answers slowly. */
const SEGMENTS_AT_ONCE = 4;

export interface TopicsOptions {
  readonly blob: BlobStore;
  readonly attempt: AttemptName;
  readonly signal: AbortSignal;
  /** A snapshot that is kept: its parts are shared. Undefined: everything is written. */
  readonly base: TopicsBase | undefined;
}

export interface TopicsBase {
  readonly manifest: Manifest;
  /** It was written by this owner: its parts are what they say. */
  readonly isOurs: boolean;
}

export interface WrittenTopics {
  readonly topics: readonly TopicShare[];
  readonly writtenBytes: number;
}

/** @throws StatefoldError LOG_CORRUPT when something of the log is damaged; what the blob store throws */
export async function writeTopics(options: TopicsOptions, cut: LogCut): Promise<WrittenTopics> {
  if (cut.problem !== undefined) throw cut.problem;
  const writer = new TopicsWriter(options);
  const segments: Placed[] = [];
  const topics = cut.topics.map(({ name, partitions }) => ({
    name,
    partitions: partitions.map((log, k) => {
      const { startOffset: start, endOffset: end } = log;
      const known = options.base?.manifest.topics.find((topic) => topic.name === name);
      const placed = log.segments.map((segment): Placed => {
        const { base, createdAtMs } = segment;
        const before = knownParts(known?.partitions[k], segment);
        return { base, createdAtMs, segment, before, parts: [] };
      });
      segments.push(...placed);
      return { start, end, placed };
    }),
  }));
  await atOnce(segments, SEGMENTS_AT_ONCE, options.signal, async (placed, signal) => {
    placed.parts = await writer.write(placed, signal);
  });
  const shares = topics.map(({ name, partitions }) => ({
    name,
    partitions: partitions.map(({ start, end, placed }): TopicPartitionShare => {
      const all = placed.map(({ base, createdAtMs, parts }) => ({ base, createdAtMs, parts }));
      return { start, end, segments: all };
    }),
  }));
  return { topics: shares, writtenBytes: writer.writtenBytes };
}

interface Placed {
  readonly base: number;
  readonly createdAtMs: number;
  readonly segment: SegmentCut;
  readonly before: readonly TopicPart[];
  parts: readonly TopicPart[];
}

function knownParts(
  log: TopicPartitionShare | undefined,
  segment: SegmentCut,
): readonly TopicPart[] {
  const known = log?.segments.find(({ base }) => base === segment.base);
  return known?.createdAtMs === segment.createdAtMs ? known.parts : [];
}

class TopicsWriter {
  writtenBytes = 0;
  readonly #options: TopicsOptions;
  #parts = 0;

  constructor(options: TopicsOptions) {
    this.#options = options;
  }

  /** The parts that a segment consists of now. */
  async write({ segment, before }: Placed, signal: AbortSignal): Promise<readonly TopicPart[]> {
    const kept = await this.#shared(segment, before, signal);
    let from = bytesOf(kept);
    if (from === segment.bytes) return kept;
    for (let last = kept.at(-1); last !== undefined; last = kept.at(-1)) {
      if (last.bytes > 2 * (segment.bytes - from)) break;
      from -= last.bytes;
      kept.pop();
    }
    return [...kept, await this.#put(segment, from, signal)];
  }

  /** Those that are what this segment begins with. */
  async #shared(
    segment: SegmentCut,
    before: readonly TopicPart[],
    signal: AbortSignal,
  ): Promise<TopicPart[]> {
    const shared: TopicPart[] = [];
    for (const part of before) {
      const from = bytesOf(shared);
      const until = from + part.bytes;
      if (until > segment.bytes) break;
      const isSame =
        this.#options.base?.isOurs === true || (await hasSum(segment, from, part, signal));
      if (!isSame) break;
      shared.push(part);
    }
    return shared;
  }

  async #put(segment: SegmentCut, from: number, signal: AbortSignal): Promise<TopicPart> {
    const { blob, attempt } = this.#options;
    const key = topicPartKey(attempt, this.#parts++);
    const bytes = segment.bytes - from;
    let sha256 = "";
    const open = async function* (): AsyncGenerator<Uint8Array> {
      const hash = createHash("sha256");
      for await (const chunk of segment.read(from, segment.bytes)) {
        hash.update(chunk);
        yield chunk;
      }
      sha256 = hash.digest("hex");
    };
    const put = await blob.put(key, { open, size: bytes }, { ifAbsent: true, signal });
    if (!put.stored) {
      const text = `${key} is there already: another process writes below the same prefix`;
      throw new StatefoldError("SNAPSHOT_ABANDONED", text);
    }
    assert(sha256 !== "", "a part that was stored was read to its end");
    this.writtenBytes += bytes;
    return { key, bytes, sha256 };
  }
}

/** Damage here says nothing about the part: it is met again where the segment is written. */
async function hasSum(
  segment: SegmentCut,
  from: number,
  part: TopicPart,
  signal: AbortSignal,
): Promise<boolean> {
  const hash = createHash("sha256");
  try {
    for await (const chunk of segment.read(from, from + part.bytes)) {
      signal.throwIfAborted();
      hash.update(chunk);
    }
  } catch (error) {
    if (error instanceof StatefoldError && error.code === "LOG_CORRUPT") return false;
    throw error;
  }
  return hash.digest("hex") === part.sha256;
}

function bytesOf(parts: readonly TopicPart[]): number {
  return parts.reduce((sum, { bytes }) => sum + bytes, 0);
}
