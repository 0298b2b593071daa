import type { StatefoldError } from "../base/errors.ts";
import type { Retention } from "../log/options.ts";
import type { TablesAhead } from "../store/tables-ahead.ts";
import type { Logger } from "../telemetry/logger.ts";
import type { SnapshotSettings } from "./snapshots.ts";

export interface NodeOptions {
  /** Paths of module.yaml files, at least one. */
  readonly modules: readonly string[];
  /** Undefined: everything in memory, and gone at the end. */
  readonly dataDir: string | undefined;
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** Kafka ingresses and egresses of the modules are bound to the topic log. */
  readonly embedded: boolean;
  /** Undefined: as many as the data directory has, or the default of a new one. */
  readonly partitions: number | undefined;
  /**
   * Threads that the partitions are spread over, besides the one that the node runs on; as many as there are partitions
   * at most. Default 1: none, all is on that one.
   */
  readonly threads?: number | undefined;
  /** Under which the data directory is kept; another one's is refused. Default "statefold". */
  readonly application?: string;
  /** What `${NAME}` in the modules stands for, before the defaults written there. */
  readonly variables: ReadonlyMap<string, string>;
  /** Starts from a store that is older than what was synced, instead of refusing it. */
  readonly acceptLoss: boolean;
  /** What the topic log may let go, for each partition of a topic. Default: it keeps everything. */
  readonly topicRetention?: Retention;
  /** Where snapshots are kept, and how often one is taken. Default: none are. */
  readonly snapshots?: SnapshotSettings | undefined;
  /**
   * A fork, which was restored from another application's snapshot, publishes to Kafka. Default: it is refused
   * with such an egress, since the topics may be the original's.
   */
  readonly forkPublishes?: boolean;
  /** Tables of the data directory that were compared while code was loaded. Default: all are compared as it is opened. */
  readonly tablesAhead?: TablesAhead | undefined;
  readonly logger: Logger;
}

/** An address it listens on, and what for. */
export interface Listening {
  readonly name: string;
  readonly url: string;
}

export interface RunningNode {
  readonly listening: readonly Listening[];
  /** Resolves when the node has ended by itself, with its reason, such as a failing disk. */
  readonly ended: Promise<StatefoldError | undefined>;
  /** Finishes what was accepted, for so long at most, and stops. */
  drain(graceMs: number): Promise<void>;
  /** Ends now; nothing acknowledged is lost. Idempotent. */
  stop(): Promise<void>;
}
