import type { AbortedTransaction, FetchRequest, RecordBatch, TopicPartition } from "../contract.ts";
import { KafkaProtocolError } from "../error.ts";
import { writeByTopic } from "./partitions.ts";
import type { WireReader } from "./reader.ts";
import { decodeBatches } from "./record-batch.ts";
import type { RequestKind } from "./request.ts";

export interface FetchAnswer extends TopicPartition {
  readonly error: number;
  readonly highWatermark: number;
  readonly lastStableOffset: number;
  readonly aborted: readonly AbortedTransaction[];
  readonly batches: readonly RecordBatch[];
}

/** As brokers say when they find it so. */
const CORRUPT_MESSAGE = 2;

/** Without a fetch session. */
export const FETCH: RequestKind<
  FetchRequest,
  { readonly error: number; readonly partitions: readonly FetchAnswer[] }
> = {
  name: "Fetch",
  key: 1,
  version: 11,
  write(writer, { partitions, maxWaitMs, minBytes, maxBytes, includesOpen = false }) {
    writer.int32(-1); // no replica asks
    writer.int32(maxWaitMs);
    writer.int32(minBytes);
    writer.int32(maxBytes);
    writer.int8(includesOpen ? 0 : 1); // read committed: up to the first open transaction
    writer.int32(0);
    writer.int32(-1); // no session
    writeByTopic(writer, partitions, ({ offset, maxBytes: ofPartition }) => {
      writer.int32(-1); // whatever the leader's epoch
      writer.int64(offset);
      writer.int64(-1);
      writer.int32(ofPartition);
    });
    writer.array([], () => {}); // forgotten by the session
    writer.string(""); // rack
  },
  async read(reader) {
    reader.int32();
    const error = reader.int16();
    reader.int32(); // session
    const found = reader
      .array(() => {
        const topic = reader.string();
        return reader.array(() => readPartition(reader, topic));
      })
      .flat();
    const partitions: FetchAnswer[] = [];
    for (const { answer, bytes } of found) {
      // Most have nothing, as a rule.
      partitions.push(bytes === undefined ? answer : await withBatches(answer, bytes));
    }
    return { error, partitions };
  },
};

/** Written out, here and below: a spread costs more than all else in an answer with little. */
function readPartition(
  reader: WireReader,
  topic: string,
): { readonly answer: FetchAnswer; readonly bytes: Uint8Array | undefined } {
  const partition = reader.int32();
  const error = reader.int16();
  const highWatermark = reader.int64();
  const lastStableOffset = reader.int64();
  reader.int64(); // where the partition begins
  const aborted = reader.array(() => ({
    producerId: reader.bigInt64(),
    firstOffset: reader.int64(),
  }));
  reader.int32(); // a replica that is closer
  const bytes = reader.nullableBytes();
  return {
    answer: { topic, partition, error, highWatermark, lastStableOffset, aborted, batches: [] },
    bytes: bytes === undefined || bytes.byteLength === 0 ? undefined : bytes,
  };
}

async function withBatches(answer: FetchAnswer, bytes: Uint8Array): Promise<FetchAnswer> {
  const { topic, partition, error, highWatermark, lastStableOffset, aborted } = answer;
  try {
    // What is kept of a partition must not keep alive what was fetched of the others.
    const batches = await decodeBatches(new Uint8Array(bytes));
    return { topic, partition, error, highWatermark, lastStableOffset, aborted, batches };
  } catch (problem) {
    if (!(problem instanceof KafkaProtocolError)) throw problem;
    return { ...answer, error: CORRUPT_MESSAGE };
  }
}
