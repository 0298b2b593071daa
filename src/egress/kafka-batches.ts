import type { TopicPartition } from "../kafka/contract.ts";
import type { PlacedRecord } from "./kafka-placement.ts";

/** Records for one partition that go together. */
export interface Batch {
  readonly at: TopicPartition;
  readonly records: readonly PlacedRecord[];
}

/** The sequence numbers of a session have 31 bits, and must not begin anew: it ends before. */
export const SEQUENCE_MAX = 2 ** 30;

/** What a batch takes beside its records. */
const BATCH_BYTES = 61;

/**
 * Cuts the records of partitions into batches, in their order, and groups those into requests: one of
 * each partition at a time, since a request takes no two.
 *
 * @param maxBytesOf how large the batches of a topic may be; one record may be larger
 * @param isAlone a record that gets a batch of its own
 */
export function requestsOf(
  partitions: readonly Batch[],
  maxBytesOf: (topic: string) => number,
  isAlone: (number: number) => boolean,
): Batch[][] {
  const requests: Batch[][] = [];
  for (const { at, records } of partitions) {
    for (const [i, batch] of batchesOf(records, maxBytesOf(at.topic), isAlone).entries()) {
      const request = requests[i] ?? [];
      requests[i] = request;
      request.push(batch);
    }
  }
  return requests;
}

export const placeOf = ({ topic, partition }: TopicPartition): string => `${topic}/${partition}`;

/** All that goes to one partition together, in its order. */
export function byPartition(records: readonly PlacedRecord[]): Batch[] {
  const found: { at: TopicPartition; records: PlacedRecord[] }[] = [];
  const topics = new Map<string, PlacedRecord[][]>();
  for (const record of records) {
    const { topic, partition } = record.at;
    let partitions = topics.get(topic);
    if (partitions === undefined) {
      partitions = [];
      topics.set(topic, partitions);
    }
    const known = partitions[partition];
    if (known !== undefined) {
      known.push(record);
      continue;
    }
    const first = [record];
    partitions[partition] = first;
    found.push({ at: record.at, records: first });
  }
  return found;
}

function batchesOf(
  records: readonly PlacedRecord[],
  maxBytes: number,
  isAlone: (number: number) => boolean,
): Batch[] {
  const batches: Batch[] = [];
  let batch: PlacedRecord[] = [];
  let bytes = BATCH_BYTES;
  const close = (): void => {
    const [first] = batch;
    if (first !== undefined) batches.push({ at: first.at, records: batch });
    batch = [];
    bytes = BATCH_BYTES;
  };
  for (const record of records) {
    const alone = isAlone(record.number);
    if (alone || bytes + record.bytes > maxBytes) close();
    batch.push(record);
    bytes += record.bytes;
    if (alone) close();
  }
  close();
  return batches;
}
