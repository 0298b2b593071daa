/** Which stuck work a person means: what fulfils every condition that was given. */
import type { StuckQuery } from "../gateway/admin-port.ts";
import type { DeadRecord } from "../store/records/dead.ts";
import type { ParkedRecord } from "../store/records/parked.ts";

/** The type is looked for by the range of keys already; it is not asked again. */
export function isParkedMeant(query: StuckQuery, record: ParkedRecord): boolean {
  return isMeant(query, record, record.sinceMs);
}

/** A dead letter has two types: the one in whose turn it died, and the one it was meant for. */
export function isDeadMeant(query: StuckQuery, record: DeadRecord): boolean {
  const { what, address } = record;
  const target = what.kind === "message" ? what.message.target.type : undefined;
  const isOfType = [undefined, address?.type, target].includes(query.type);
  return isOfType && isMeant(query, record, record.atMs);
}

function isMeant(
  { code, reason, untilMs }: StuckQuery,
  record: { readonly code: string; readonly reason: string },
  atMs: number,
): boolean {
  return (
    (code === undefined || record.code === code) &&
    (reason === undefined || record.reason.includes(reason)) &&
    (untilMs === undefined || atMs <= untilMs)
  );
}
