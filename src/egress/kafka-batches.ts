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
 * Groups records into batches, those of one partition in their order, and the batches into requests: one of
 * each partition at a time, since a request takes no two.
 *
 * @param maxBytesOf how large the batches of a topic may be; one record may be larger
 * @param isAlone a record that gets a batch of its own
 */
export function requestsOf(
  records: readonly PlacedRecord[],
  maxBytesOf: (topic: string) => number,
  isAlone: (number: number) => boolean,
): Batch[][] {
  const requests: Batch[][] = [];
  for (const ofPartition of byPartition(records).values()) {
    for (const [i, batch] of batchesOf(
      ofPartition,
      maxBytesOf(ofPartition[0]?.at.topic ?? ""),
      isAlone,
    ).entries()) {
      const request = requests[i] ?? [];
      requests[i] = request;
      request.push(batch);
    }
  }
  return requests;
}

export const placeOf = ({ topic, partition }: TopicPartition): string => `${topic}/${partition}`;

function byPartition(records: readonly PlacedRecord[]): Map<string, PlacedRecord[]> {
  const found = new Map<string, PlacedRecord[]>();
  for (const record of records) {
    const place = placeOf(record.at);
    const known = found.get(place);
    if (known === undefined) found.set(place, [record]);
    else known.push(record);
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
