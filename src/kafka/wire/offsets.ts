import type { CommittedOffset, TopicPartition } from "../contract.ts";
import { readByTopic, writeByTopic } from "./partitions.ts";
import type { RequestKind } from "./request.ts";

export const EARLIEST = -2;
export const LATEST = -1;

/** At a time in ms, or one of the two above. Of committed records only. */
export type OffsetQuestion = TopicPartition & { readonly atMs: number };
/** Offset −1: no record is as new. */
export type OffsetAnswer = TopicPartition & { readonly error: number; readonly offset: number };

export const LIST_OFFSETS: RequestKind<readonly OffsetQuestion[], readonly OffsetAnswer[]> = {
  name: "ListOffsets",
  key: 2,
  version: 2,
  write(writer, questions) {
    writer.int32(-1); // no replica asks
    writer.int8(1); // read committed
    writeByTopic(writer, questions, ({ atMs }) => writer.int64(atMs));
  },
  read(reader) {
    reader.int32();
    return readByTopic(reader, () => {
      const error = reader.int16();
      reader.int64(); // the record's time
      return { error, offset: reader.int64() };
    });
  },
};

export interface GroupQuestion {
  readonly group: string;
  /** UNSTABLE_OFFSET_COMMIT where an open transaction may still change it, or one whose end is not written. */
  readonly mustBeStable: boolean;
}

/**
 * Of a group, for all partitions it ever committed for. Offset −1: what it committed has expired.
 *
 * The only request of a flexible version, since it is the first that can ask for stable offsets: the empty tags
 * of its header stand before the rest, where kafkajs ends its own, and the same in the answer.
 */
export const OFFSET_FETCH: RequestKind<
  GroupQuestion,
  {
    readonly error: number;
    readonly offsets: readonly (CommittedOffset & { readonly error: number })[];
  }
> = {
  name: "OffsetFetch",
  key: 9,
  version: 7,
  write(writer, { group, mustBeStable }) {
    writer.unsignedVarint(0); // the header's tags
    writer.compactString(group);
    writer.unsignedVarint(0); // no list of topics: all
    writer.boolean(mustBeStable);
    writer.unsignedVarint(0);
  },
  read(reader) {
    reader.skipTags();
    reader.int32(); // throttled for so long
    const offsets = reader.compactArray(() => {
      const topic = reader.compactString();
      const partitions = reader.compactArray(() => {
        const partition = reader.int32();
        const offset = reader.int64();
        reader.int32(); // the leader's epoch
        const found = { topic, partition, offset, note: reader.compactString() };
        const error = reader.int16();
        reader.skipTags();
        return { ...found, error };
      });
      reader.skipTags();
      return partitions;
    });
    return { offsets: offsets.flat(), error: reader.int16() };
  },
};

export interface GroupCommit {
  readonly group: string;
  readonly offsets: readonly CommittedOffset[];
}

export type CommitAnswer = readonly (TopicPartition & { readonly error: number })[];

/** Of a group without members: generation −1 and no member id. */
export const OFFSET_COMMIT: RequestKind<GroupCommit, CommitAnswer> = {
  name: "OffsetCommit",
  key: 8,
  version: 5,
  write(writer, { group, offsets }) {
    writer.string(group);
    writer.int32(-1);
    writer.string("");
    writeByTopic(writer, offsets, ({ offset, note }) => {
      writer.int64(offset);
      writer.nullableString(note);
    });
  },
  read(reader) {
    reader.int32();
    return readByTopic(reader, () => ({ error: reader.int16() }));
  },
};
