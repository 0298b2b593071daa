import type { TopicPartition } from "../contract.ts";
import type { WireReader } from "./reader.ts";
import type { WireWriter } from "./writer.ts";

/** Most requests name partitions topic by topic: `[topic [partition, …]]`. */
export function writeByTopic<T extends TopicPartition>(
  writer: WireWriter,
  items: readonly T[],
  write: (item: T) => void,
): void {
  const topics = new Map<string, T[]>();
  for (const item of items) {
    const ofTopic = topics.get(item.topic);
    if (ofTopic === undefined) topics.set(item.topic, [item]);
    else ofTopic.push(item);
  }
  writer.array([...topics], ([topic, ofTopic]) => {
    writer.string(topic);
    writer.array(ofTopic, (item) => {
      writer.int32(item.partition);
      write(item);
    });
  });
}

/** The same in answers. */
export function readByTopic<T>(reader: WireReader, read: () => T): (T & TopicPartition)[] {
  return reader
    .array(() => {
      const topic = reader.string();
      return reader.array(() => {
        const partition = reader.int32();
        return { topic, partition, ...read() };
      });
    })
    .flat();
}
