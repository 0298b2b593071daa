import type { StateSpec } from "../model/invocation.ts";
import type { MetaRecord } from "../store/records/meta.ts";
import type { ParkedRecord } from "../store/records/parked.ts";
import type { StoredOutbox } from "./outboxes.ts";

/** What a partition's store held at opening, but for the mail, which is counted while it serves. */
export interface Recovered {
  readonly meta: MetaRecord;
  readonly positions: readonly { readonly source: string; readonly next: number }[];
  readonly outboxes: readonly StoredOutbox[];
  readonly specs: readonly { readonly type: string; readonly specs: readonly StateSpec[] }[];
  readonly parked: readonly ParkedRecord[];
}
