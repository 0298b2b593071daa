import type { Host } from "./host.ts";
import type { Schedule } from "./schedule.ts";

/** What those who act on the node see of the world. */
export interface Stage {
  readonly schedule: Schedule;
  readonly hosts: readonly Host[];
  /** The run has ended: what repeats itself stops. */
  readonly isOver: boolean;
  ownerOf(id: string): Host;
}
