/** Whether the topic log has a record already that a partition published, or would. */
import type { LogPartition } from "../log/partition.ts";
import type { Topic } from "../log/topic.ts";
import type { TopicLog } from "../log/topic-log.ts";
import type { EgressRecord } from "./contract.ts";
import { logProducerId } from "./log.ts";
import { decodeProducerRecord } from "./producer-record.ts";

export type LogHolds = (
  egress: string,
  partition: number,
  number: number,
  record: Pick<EgressRecord, "value">,
) => boolean;

/** As of now: every partition is opened. @throws StatefoldError LOG_CORRUPT, UNAVAILABLE */
export async function logHolds(log: TopicLog): Promise<LogHolds> {
  const topics = new Map<string, { topic: Topic; logs: readonly (LogPartition | undefined)[] }>();
  for (const topic of log.list()) {
    await topic.openAll();
    topics.set(topic.name, { topic, logs: topic.opened });
  }
  return (egress, partition, number, { value }) => {
    const record = decodeProducerRecord(value);
    if (typeof record === "string") return false;
    const found = topics.get(record.topic);
    const target = found?.topic.partitionFor(record.key, number) ?? 0;
    const mark = found?.logs[target]?.producerMark(logProducerId(egress, partition));
    return mark !== undefined && number <= mark;
  };
}
