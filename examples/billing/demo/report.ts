/** The account as people read it. */
import type { Account } from "./account.ts";

export interface Kills {
  readonly runtime: number;
  readonly functions: number;
}

export function number(count: number): string {
  return count.toLocaleString("en-US");
}

type Row = readonly [what: string, count: number, note: string];

/** The table, and below it what is wrong, if anything is. */
export function reportLines(account: Account, kills: Kills): string[] {
  const { subscriptions, changed, left, suspended, periodsDue, periodsPaid } = account;
  const { requests, retries, results, resultsTwice, refused } = account;
  const rows: (Row | undefined)[] = [
    ["subscriptions", subscriptions, `${changed} changed their interval, ${left} left early`],
    ...(account.leftOut === 0 ? [] : [leftOut(account.leftOut)]),
    ["periods due", periodsDue, "by the calendar: start, interval, end"],
    ["periods paid", periodsPaid, ""],
    ["suspended", suspended, "after three refusals in a row"],
    undefined,
    ["payments requested", requests, `${number(retries)} of them again, after a refusal`],
    ["payments refused", refused, ""],
    ["answers", results, `${number(resultsTwice)} of them for the second time`],
    undefined,
    ["missing", account.missing, "due, and not requested"],
    ["duplicates", account.duplicates, "requested more than once"],
    ["not due", account.notDue, "requested, and not due"],
    ["wrong date", account.wrongDate, "requested for another date"],
    ["out of order", account.outOfOrder, "requested after a later one"],
    ["unanswered", account.unanswered, "requested, and never answered"],
    undefined,
    ["runtime killed", kills.runtime, "times, with kill -9"],
    ["functions killed", kills.functions, "times"],
  ];
  const table = rows.map((row) => {
    if (row === undefined) return "";
    const [what, count, note] = row;
    return `  ${what.padEnd(20)}${number(count).padStart(7)}   ${note}`.trimEnd();
  });
  if (account.findings.length === 0) return table;
  return [...table, "", "What is wrong, the first few:", ...account.findings.map(indent)];
}

/** Only on a machine that stands still for seconds. */
function leftOut(count: number): Row {
  return ["left out", count, "a slow machine: they changed or ended after the day they named"];
}

function indent(text: string): string {
  return `  ${text}`;
}
