/** An examination as plain values: what `--json` prints, and what the page for people is made of. */

import type { Examination } from "./examine.ts";
import type { ExaminedPartition } from "./partition.ts";
import type { ExaminedTopic } from "./topics.ts";

export type Summary = ReturnType<typeof summaryOf>;
export type PartitionSummary = ReturnType<typeof partitionSummary>;

export function summaryOf(examination: Examination) {
  const { dir, isHealthy, description, disk, partitions, topics, findings } = examination;
  return {
    dir,
    healthy: isHealthy,
    findings,
    description,
    disk,
    partitions: partitions.map(partitionSummary),
    topics: topics.map(topicSummary),
  };
}

function partitionSummary({ partition, census, witnessEpoch, parked, isWhole }: ExaminedPartition) {
  const meta = census?.meta;
  return {
    partition,
    /** False: something cannot be read, and the counts leave it out. */
    whole: isWhole,
    epoch: meta?.epoch,
    witnessEpoch,
    session: meta?.session,
    incarnation: meta?.incarnation,
    accepted: meta?.accepted,
    finished: meta?.finished,
    addresses: census?.states ?? 0,
    addressesByType: Object.fromEntries(census?.statesByType ?? []),
    pending: {
      messages: census?.mail ?? 0,
      addresses: census?.mailAddresses ?? 0,
      oldestAtMs: census?.oldestMailMs,
    },
    timers: {
      count: census?.timers ?? 0,
      due: census?.timersDue ?? 0,
      oldestAtMs: census?.firstTimerMs,
      nextAtMs: census?.nextTimerMs,
    },
    outboxes: [...(census?.outboxes.values() ?? [])].map(
      ({ destination, effects, first, end }) => ({
        destination,
        effects,
        first,
        last: end - 1,
      }),
    ),
    onceKeys: census?.onceKeys ?? 0,
    storedCalls: census?.calls ?? 0,
    parked: parked.map(({ address, ...rest }) => ({
      ...address,
      ...rest,
      messages: census?.parkedMail.get(`${address.type}/${address.id}`) ?? 0,
    })),
    dead: { count: census?.dead ?? 0, byCode: Object.fromEntries(census?.deadByCode ?? []) },
    positions: Object.fromEntries(
      [...(census?.positions ?? [])].filter(([name]) => !name.startsWith("outbox:")),
    ),
  };
}

function topicSummary({ name, partitions }: ExaminedTopic) {
  return {
    name,
    partitions: partitions.map(({ marks: _, ...rest }) => rest),
  };
}
