/**
 * What one snapshot is made of. Immutable; lies under `manifests/`, as JSON (document.ts):
 *
 *   manifest  = { kind: "manifest", format, application, numbers, barrier, term, takenAtMs, storeFormat,
 *                 partitions: [partition, …],              as many as there are, in order
 *                 topics: [topic, …] }                     of the topic log
 *   partition = { meta, positions: { source: next }, segments: [segment, …] }
 *   numbers   = by which egresses know whose numbers its outboxes give: a restore keeps it
 *   meta      = the record of the partition as of the cut, as in MetaRecord
 *   source    = as in the keys of positions (store/keys.ts): topics, peers, outboxes
 *   segment   = { key, delta, bytes, rawBytes, changes, sha256 }
 *   topic     = { name, partitions: [log, …] }             as many as it has, in order
 *   log       = { start, end, segments: [{ base, createdAtMs, parts: [{ key, bytes, sha256 }, …] }, …] }
 *
 * The segments of a partition are to be laid over each other in their order: first those with everything
 * (`delta` false; together they are one run of keys), then what has changed since. `storeFormat` is that of the
 * keys and values in them (store/format.ts).
 *
 * The parts of a log's segment, one behind the other, are the beginning of its file (log/segment.ts): all of it,
 * but for the last one, which is cut at offset `end`. Formats:
 *
 *   1  the first
 */
import { StatefoldError } from "../base/errors.ts";
import { FORMAT_VERSION } from "../store/format.ts";
import { isTopicSource } from "../store/keys.ts";
import type { MetaRecord } from "../store/records/meta.ts";
import { type DocumentKind, readDocument, writeDocument } from "./document.ts";
import type { Fields } from "./fields.ts";
import { type AttemptName, snapshotName } from "./layout.ts";
import type { SegmentSums } from "./segment-format.ts";

const KIND: DocumentKind = { kind: "manifest", format: 1 };

export interface SegmentRef extends SegmentSums {
  readonly key: string;
  /** It holds what has changed since those before it; else everything. */
  readonly delta: boolean;
}

export interface PartitionShare {
  readonly meta: MetaRecord;
  /** How far each source and each peer was taken, and each outbox has come. */
  readonly positions: ReadonlyMap<string, number>;
  readonly segments: readonly SegmentRef[];
}

export interface TopicShare {
  readonly name: string;
  readonly partitions: readonly TopicPartitionShare[];
}

export interface TopicPartitionShare {
  /** The first offset there is, and the next one. */
  readonly start: number;
  readonly end: number;
  /** Ascending, at least one. */
  readonly segments: readonly TopicSegment[];
}

export interface TopicSegment {
  /** These two: which one it is. */
  readonly base: number;
  readonly createdAtMs: number;
  readonly parts: readonly TopicPart[];
}

export interface TopicPart {
  readonly key: string;
  readonly bytes: number;
  readonly sha256: string;
}

export interface Manifest extends AttemptName {
  readonly application: string;
  /** Whose numbers its outboxes give, as egresses know it: MarkerOwner.data. */
  readonly numbers: string;
  readonly takenAtMs: number;
  readonly storeFormat: number;
  readonly partitions: readonly PartitionShare[];
  readonly topics: readonly TopicShare[];
}

export function writeManifest(manifest: Manifest): Uint8Array {
  const { application, numbers, barrier, term, takenAtMs, storeFormat, topics } = manifest;
  const partitions = manifest.partitions.map(({ meta, positions, segments }) => ({
    meta,
    positions: Object.fromEntries(positions),
    segments,
  }));
  const body = { application, numbers, barrier, term, takenAtMs, storeFormat, partitions, topics };
  return writeDocument(KIND, body);
}

/**
 * @param snapshot its name in the head
 * @throws StatefoldError SNAPSHOT_CORRUPT; SNAPSHOT_FORMAT when it, or what it holds, is of a newer version
 */
export function readManifest(snapshot: string, bytes: Uint8Array): Manifest {
  const { fields } = readDocument(KIND, `the manifest of snapshot ${snapshot}`, bytes);
  const storeFormat = fields.count("storeFormat");
  if (storeFormat > FORMAT_VERSION) {
    throw new StatefoldError(
      "SNAPSHOT_FORMAT",
      `snapshot ${snapshot} holds data in format ${storeFormat}, this version reads up to ${FORMAT_VERSION}: a newer statefold took it, run that version or a later one`,
    );
  }
  const manifest = {
    application: fields.text("application"),
    numbers: fields.text("numbers"),
    barrier: fields.count("barrier"),
    term: fields.count("term"),
    takenAtMs: fields.count("takenAtMs"),
    storeFormat,
    partitions: fields.objects("partitions").map(shareFrom),
    topics: fields.objects("topics").map(topicFrom),
  };
  if (snapshotName(manifest) !== snapshot) throw fields.wrong("barrier", "is another's");
  if (manifest.partitions.length === 0) throw fields.wrong("partitions", "is empty");
  return manifest;
}

function shareFrom(fields: Fields): PartitionShare {
  return {
    meta: metaFrom(fields.object("meta")),
    positions: fields.counts("positions"),
    segments: fields.objects("segments").map(segmentFrom),
  };
}

function topicFrom(fields: Fields): TopicShare {
  return {
    name: fields.text("name"),
    partitions: fields.objects("partitions").map((log) => ({
      start: log.count("start"),
      end: log.count("end"),
      segments: log.objects("segments").map((segment) => ({
        base: segment.count("base"),
        createdAtMs: segment.count("createdAtMs"),
        parts: segment.objects("parts").map((part) => ({
          key: part.text("key"),
          bytes: part.count("bytes"),
          sha256: part.text("sha256"),
        })),
      })),
    })),
  };
}

function segmentFrom(fields: Fields): SegmentRef {
  return {
    key: fields.text("key"),
    delta: fields.flag("delta"),
    bytes: fields.count("bytes"),
    rawBytes: fields.count("rawBytes"),
    changes: fields.count("changes"),
    sha256: fields.text("sha256"),
  };
}

function metaFrom(fields: Fields): MetaRecord {
  return {
    formatVersion: fields.count("formatVersion"),
    application: fields.text("application"),
    partition: fields.count("partition"),
    partitionCount: fields.count("partitionCount"),
    incarnation: fields.count("incarnation"),
    session: fields.count("session"),
    epoch: fields.count("epoch"),
    nextSequence: fields.count("nextSequence"),
    accepted: fields.count("accepted"),
    finished: fields.count("finished"),
    mail: fields.count("mail"),
    timers: fields.count("timers"),
    outbox: fields.count("outbox"),
    dead: fields.count("dead"),
    outboxBytes: fields.count("outboxBytes"),
    barrier: fields.count("barrier"),
  };
}

/** The keys of all that it names. */
export function objectsOf(manifest: Manifest): string[] {
  const segments = manifest.partitions.flatMap((share) => share.segments.map(({ key }) => key));
  return [...segments, ...topicPartsOf(manifest).map(({ key }) => key)];
}

export function topicPartsOf({ topics }: Manifest): TopicPart[] {
  return topics.flatMap(({ partitions }) =>
    partitions.flatMap(({ segments }) => segments.flatMap(({ parts }) => parts)),
  );
}

/** How far each source was read: the next offset, by its name. */
export function sourcesOf({ partitions }: Manifest): ReadonlyMap<string, number> {
  const all = partitions.flatMap(({ positions }) => [...positions]);
  return new Map(all.filter(([source]) => isTopicSource(source)));
}
