import type { CommittedOffset, KafkaCluster, TopicPartition } from "../kafka/contract.ts";
import { insist } from "../kafka/insist.ts";
import type { StartupPosition } from "../spec/module.ts";
import type { Sleep } from "./source.ts";

export interface KafkaBeginningOptions {
  readonly cluster: KafkaCluster;
  readonly startup: StartupPosition;
  readonly group: string;
  /** Where to begin in a partition for which the group has no offset. */
  readonly reset: "earliest" | "latest";
  readonly sleep: Sleep;
  readonly random: () => number;
  readonly signal: AbortSignal;
}

/** A broker that has just started loads what groups have committed. */
const GROUP_TRIES = 20;

/**
 * Where partitions begin that were never read, as Flink does it: by the startup position, but those that
 * came after the ingress had begun at their earliest record, since nobody has seen them. An offset that was
 * given or committed and is not there is out of range, like any other.
 */
export class KafkaBeginning {
  readonly #options: KafkaBeginningOptions;
  /** While it is being asked; partitions ask all at once. */
  #asking: Promise<readonly CommittedOffset[]> | undefined;

  constructor(options: KafkaBeginningOptions) {
    this.#options = options;
  }

  async of(at: TopicPartition, isNew: boolean): Promise<number> {
    const { cluster, startup } = this.#options;
    if (isNew) return await cluster.offset(at, "earliest");
    switch (startup.type) {
      case "earliest":
      case "latest":
        return await cluster.offset(at, startup.type);
      case "date":
        return await cluster.offset(at, { atMs: startup.atMs });
      case "group-offsets":
        return await this.#ofGroup(at);
      case "specific-offsets": {
        const given = startup.offsets.find((one) => isSame(one, at));
        return given?.offset ?? (await this.#ofGroup(at));
      }
    }
  }

  async #ofGroup(at: TopicPartition): Promise<number> {
    const { cluster, reset } = this.#options;
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = undefined;
    });
    const committed = (await this.#asking).find((one) => isSame(one, at));
    return committed?.offset ?? (await cluster.offset(at, reset));
  }

  async #ask(): Promise<readonly CommittedOffset[]> {
    const { cluster, group, sleep, random, signal } = this.#options;
    const patience = { sleep, random, signal, tries: GROUP_TRIES };
    return await insist(patience, () => cluster.groupOffsets(group));
  }
}

const isSame = (a: TopicPartition, b: TopicPartition): boolean =>
  a.topic === b.topic && a.partition === b.partition;
