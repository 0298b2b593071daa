import type { FetchedPartition, KafkaCluster } from "../kafka/contract.ts";
import { isForbidding, isUnknownTopic, KafkaError } from "../kafka/error.ts";
import { insist, isPassing, type Patience } from "../kafka/insist.ts";
import { isAbort } from "../kafka/read-committed.ts";
import type { First } from "./kafka-intent.ts";

/**
 * What became of a transaction in one partition: its end is there and commits it, or aborts it, or is missing.
 * Unknown: the records are gone by now, or we may not read the topic.
 */
export type Fate = "committed" | "aborted" | "open" | "unknown";

/** Read at once behind what others have open. */
const SCAN_BYTES = 1_048_576;

/**
 * Asks the partition's leader, after the transaction's session was shut out: it is as it will stay by itself. Where
 * somebody else's transaction keeps readers of committed records from this one's end, what follows is searched for it.
 */
export async function fateOf(
  cluster: KafkaCluster,
  patience: Patience,
  producerId: bigint,
  first: First,
): Promise<Fate> {
  if (first.offset < 0) return "unknown";
  try {
    const found = await insist(patience, () => look(cluster, first, first.offset, false));
    if (found === undefined) return "unknown";
    if (found.lastStableOffset <= first.offset)
      return await search(cluster, patience, producerId, first);
    return judge(found, producerId, first);
  } catch (error) {
    if (isForbidding(error) || isPassing(error)) return "unknown";
    throw error;
  }
}

function judge(found: FetchedPartition, producerId: bigint, first: First): Fate {
  const isAborted = found.aborted.some(
    (one) => one.producerId === producerId && one.firstOffset <= first.offset,
  );
  if (isAborted) return "aborted";
  return isOthers(found, producerId, first) ? "unknown" : "committed";
}

/** Goes on until the transaction's end, or that of the partition. */
async function search(
  cluster: KafkaCluster,
  patience: Patience,
  producerId: bigint,
  first: First,
): Promise<Fate> {
  for (let from = first.offset; ; ) {
    const found = await insist(patience, () => look(cluster, first, from, true));
    if (found === undefined || isOthers(found, producerId, first)) return "unknown";
    for (const batch of found.batches) {
      from = batch.lastOffset + 1;
      if (batch.isControl && batch.producerId === producerId)
        return isAbort(batch) ? "aborted" : "committed";
    }
    if (found.batches.length === 0 || from >= found.highWatermark) return "open";
  }
}

/** Undefined: retention has removed what was there. */
async function look(
  cluster: KafkaCluster,
  { topic, partition }: First,
  offset: number,
  includesOpen: boolean,
): Promise<FetchedPartition | undefined> {
  const node = (await cluster.leaders(topic))?.[partition] ?? -1;
  // A broker that starts knows of no topics at first.
  if (node < 0) throw new KafkaError("LEADER_NOT_AVAILABLE", topic);
  const maxBytes = includesOpen ? SCAN_BYTES : 1;
  const partitions = [{ topic, partition, offset, maxBytes }];
  const request = { partitions, maxWaitMs: 0, minBytes: 0, maxBytes, includesOpen };
  const [found] = await cluster.fetch(node, request);
  const error = found?.error === undefined ? undefined : new KafkaError(found.error, topic);
  if (error?.code === "OFFSET_OUT_OF_RANGE") {
    if ((await cluster.offset({ topic, partition }, "earliest")) > offset) return undefined;
    throw new KafkaError("LEADER_NOT_AVAILABLE", topic);
  }
  if (isUnknownTopic(error)) throw new KafkaError("LEADER_NOT_AVAILABLE", topic);
  if (error !== undefined) throw error;
  // It has not heard from its followers yet how far they are.
  if (found !== undefined && found.highWatermark <= offset)
    throw new KafkaError("LEADER_NOT_AVAILABLE", topic);
  return found;
}

/** Somebody else's record stands there: the topic was made anew. Compaction may have removed ours. */
function isOthers({ batches }: FetchedPartition, producerId: bigint, { offset }: First): boolean {
  const there = batches.find((one) => one.baseOffset <= offset && one.lastOffset >= offset);
  return there !== undefined && there.producerId !== producerId;
}
