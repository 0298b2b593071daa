import type { CommittedOffset, ProducerSession, TopicPartition } from "../contract.ts";
import type { CommitAnswer } from "./offsets.ts";
import { readByTopic, writeByTopic } from "./partitions.ts";
import type { WireReader } from "./reader.ts";
import type { RequestKind } from "./request.ts";
import type { WireWriter } from "./writer.ts";

export const INIT_PRODUCER_ID: RequestKind<
  { readonly transactionalId: string | undefined; readonly timeoutMs: number },
  { readonly error: number; readonly producerId: bigint; readonly producerEpoch: number }
> = {
  name: "InitProducerId",
  key: 22,
  version: 1,
  write(writer, { transactionalId, timeoutMs }) {
    writer.nullableString(transactionalId);
    writer.int32(timeoutMs);
  },
  read(reader) {
    reader.int32();
    const error = reader.int16();
    return { error, producerId: reader.bigInt64(), producerEpoch: reader.int16() };
  },
};

interface InTransaction {
  readonly session: ProducerSession;
}

function writeSession(writer: WireWriter, { transactionalId, ...session }: ProducerSession): void {
  writer.string(transactionalId ?? "");
  writer.int64(session.producerId);
  writer.int16(session.producerEpoch);
}

function readError(reader: WireReader): number {
  reader.int32();
  return reader.int16();
}

export const ADD_PARTITIONS: RequestKind<
  InTransaction & { readonly partitions: readonly TopicPartition[] },
  CommitAnswer
> = {
  name: "AddPartitionsToTxn",
  key: 24,
  version: 1,
  write(writer, { session, partitions }) {
    writeSession(writer, session);
    writeByTopic(writer, partitions, () => {});
  },
  read(reader) {
    reader.int32();
    return readByTopic(reader, () => ({ error: reader.int16() }));
  },
};

export const ADD_OFFSETS: RequestKind<InTransaction & { readonly group: string }, number> = {
  name: "AddOffsetsToTxn",
  key: 25,
  version: 1,
  write(writer, { session, group }) {
    writeSession(writer, session);
    writer.string(group);
  },
  read: readError,
};

export const TXN_OFFSET_COMMIT: RequestKind<
  InTransaction & { readonly group: string; readonly offsets: readonly CommittedOffset[] },
  CommitAnswer
> = {
  name: "TxnOffsetCommit",
  key: 28,
  version: 1,
  write(writer, { session, group, offsets }) {
    writer.string(session.transactionalId ?? "");
    writer.string(group);
    writer.int64(session.producerId);
    writer.int16(session.producerEpoch);
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

export const END_TRANSACTION: RequestKind<InTransaction & { readonly isCommit: boolean }, number> =
  {
    name: "EndTxn",
    key: 26,
    version: 1,
    write(writer, { session, isCommit }) {
      writeSession(writer, session);
      writer.boolean(isCommit);
    },
    read: readError,
  };
