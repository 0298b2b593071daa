import type { TopicPartition } from "../contract.ts";
import { readByTopic, writeByTopic } from "./partitions.ts";
import type { RequestKind } from "./request.ts";

export interface ProduceQuestion {
  readonly transactionalId: string | undefined;
  readonly waitForReplicas: boolean;
  readonly timeoutMs: number;
  /** Encoded batches, at most one a partition. */
  readonly batches: readonly (TopicPartition & { readonly bytes: Uint8Array })[];
}

export type ProduceAnswer = TopicPartition & {
  readonly error: number;
  readonly baseOffset: number;
};

export const PRODUCE: RequestKind<ProduceQuestion, readonly ProduceAnswer[]> = {
  name: "Produce",
  key: 0,
  version: 7,
  write(writer, { transactionalId, waitForReplicas, timeoutMs, batches }) {
    writer.nullableString(transactionalId);
    writer.int16(waitForReplicas ? -1 : 1);
    writer.int32(timeoutMs);
    writeByTopic(writer, batches, ({ bytes }) => writer.bytes(bytes));
  },
  read(reader) {
    const answers = readByTopic(reader, () => {
      const answer = { error: reader.int16(), baseOffset: reader.int64() };
      reader.int64(); // the broker's time
      reader.int64(); // where the partition begins
      return answer;
    });
    reader.int32();
    return answers;
  },
};
