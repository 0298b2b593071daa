/** What one part of the directory says about another: partitions among each other, and the topic log. */
import type { Census } from "./census.ts";
import { contradiction, type Findings } from "./finding.ts";
import type { ExaminedPartition } from "./partition.ts";
import type { ExaminedTopic } from "./topics.ts";

/** The id under which a partition's egress appends to the topic log. */
export const producerOf = (egress: string, partition: number): string => `${egress}/${partition}`;

export const egressOf = (destination: string): string | undefined =>
  destination.startsWith("egress/") ? destination.slice("egress/".length) : undefined;

/**
 * I5 between partitions: what a sender no longer holds, its receiver has; and a receiver has nothing that
 * its sender has not sent.
 */
export function compareChannels(partitions: readonly ExaminedPartition[], findings: Findings) {
  for (const { partition: from, census: sender, isWhole } of partitions) {
    if (sender === undefined || !isWhole) continue;
    for (const { partition: to, census: receiver, isWhole: isToWhole } of partitions) {
      if (receiver === undefined || !isToWhole || from === to) continue;
      compareChannel({ from, sender, to, receiver }, findings);
    }
  }
}

function compareChannel(
  channel: { from: number; sender: Census; to: number; receiver: Census },
  findings: Findings,
): void {
  const { from, sender, to, receiver } = channel;
  const destination = `partition/${to}`;
  const next = sender.positions.get(`outbox:${destination}`);
  const taken = receiver.positions.get(`peer:${from}`);
  const held = sender.outboxes.get(destination)?.first ?? next;
  const where = `partitions ${from} and ${to}`;
  if (taken !== undefined && taken > (next ?? 1)) {
    const what = `partition ${to} has taken messages up to ${taken - 1} from partition ${from}, which has sent up to ${(next ?? 1) - 1}`;
    const means = `Partition ${from} is older than partition ${to}: it would send new messages under numbers that are skipped.`;
    findings.add(contradiction(where, what, means));
  }
  const isFresh = sender.meta?.incarnation === 0 && receiver.meta?.incarnation === 0;
  if (held !== undefined && held > (taken ?? 1) && isFresh) {
    const what = `partition ${from} no longer holds messages before ${held}, and partition ${to} has taken them up to ${(taken ?? 1) - 1}`;
    findings.add(contradiction(where, what, "The messages between are lost."));
  }
}

/** Sources lie within their topics, and no topic knows numbers that its producer has yet to give. */
export function compareTopics(
  partitions: readonly ExaminedPartition[],
  topics: readonly ExaminedTopic[],
  findings: Findings,
): void {
  const byName = new Map(topics.map((topic) => [topic.name, topic]));
  for (const { partition, census, isWhole } of partitions) {
    if (census === undefined || !isWhole) continue;
    for (const [source, next] of census.positions) {
      comparePosition(`partition ${partition}`, source, next, byName, findings);
    }
    for (const [name, next] of census.positions) {
      const egress = egressOf(name.startsWith("outbox:") ? name.slice("outbox:".length) : "");
      if (egress !== undefined) {
        compareProducer(producerOf(egress, partition), partition, next, topics, findings);
      }
    }
  }
}

/** A source of the topic log is `log/<ingress>/<topic>/<k>`, where an ingress is `namespace/name`. */
const LOG_SOURCE = /^log\/.+\/([^/]+)\/(\d+)$/;

function comparePosition(
  where: string,
  source: string,
  next: number,
  topics: ReadonlyMap<string, ExaminedTopic>,
  findings: Findings,
): void {
  const [, topic = "", k = ""] = LOG_SOURCE.exec(source) ?? [];
  if (topic === "") return;
  const end = topics.get(topic)?.partitions[Number(k)]?.endOffset;
  if (end !== undefined && next <= end) return;
  if (topics.has(topic) && end === undefined) return; // told already: it cannot be opened
  const what =
    end === undefined
      ? `${source} has been read up to ${next}, and there is no such topic partition`
      : `${source} has been read up to ${next}, and the topic ends at ${end}`;
  if (end === undefined && next === 0) return;
  const means = "The topic was replaced or has lost records. The source stops when it is started.";
  findings.add(contradiction(where, what, means));
}

function compareProducer(
  producer: string,
  partition: number,
  next: number,
  topics: readonly ExaminedTopic[],
  findings: Findings,
): void {
  for (const topic of topics) {
    for (const { partition: k, marks } of topic.partitions) {
      const mark = marks.get(producer);
      if (mark === undefined || mark < next) continue;
      findings.add(
        contradiction(
          `partition ${partition}`,
          `topic ${topic.name}/${k} has record ${mark} of ${producer}, which has given numbers up to ${next - 1}`,
          "The partition is older than the topic log. It would publish new records under numbers that the topic takes for known ones, and skips.",
        ),
      );
    }
  }
}
