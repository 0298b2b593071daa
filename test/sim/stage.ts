import type { SourceBatch } from "../../src/model/source.ts";
import type { Notice } from "../../src/node/seat.ts";
import type { NodeClock } from "./clock.ts";
import type { Faults } from "./faults.ts";
import type { SimFunctions } from "./functions.ts";
import type { Host } from "./host.ts";
import type { Schedule } from "./schedule.ts";
import type { Swarm } from "./swarm.ts";

/** What those who act on the node see of the world. */
export interface Stage {
  readonly schedule: Schedule;
  readonly clock: NodeClock;
  readonly hosts: readonly Host[];
  readonly faults: Faults;
  readonly functions: SimFunctions;
  readonly swarm: Swarm;
  /** The run has ended: what repeats itself stops. */
  readonly isOver: boolean;
  /** The faults have ended, and all that is there is being finished. */
  readonly isDraining: boolean;
  /** A disk lost epochs that were synced, and that was accepted: nothing is exactly-once any more. */
  readonly isLossy: boolean;
  ownerOf(id: string): Host;
}

/** The same for those who feed it, and for whoever takes snapshots of it. */
export interface NodeStage extends Stage {
  /** What the coordinator of snapshots has to say to a partition. */
  notify(host: Host, notice: Notice): void;
  /** Hands over a run of records, as it may be done at the time. Rejects when the partition has lost what it was read for. */
  take(host: Host, batch: SourceBatch): Promise<void>;
  /** Ends the run with what went wrong where nobody waits. */
  fail(error: unknown): void;
}
