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

/** Of a group, for all partitions it ever committed for. Offset −1: what it committed has expired. */
export const OFFSET_FETCH: RequestKind<
  string,
  {
    readonly error: number;
    readonly offsets: readonly (CommittedOffset & { readonly error: number })[];
  }
> = {
  name: "OffsetFetch",
  key: 9,
  version: 4,
  write(writer, group) {
    writer.string(group);
    writer.int32(-1); // no list of topics: all
  },
  read(reader) {
    reader.int32();
    const offsets = readByTopic(reader, () => {
      const offset = reader.int64();
      const note = reader.nullableString() ?? "";
      return { offset, note, error: reader.int16() };
    });
    return { offsets, error: reader.int16() };
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
