import { resolve } from "node:path";
import type { Finding } from "../doctor/finding.ts";
import type { PartitionSummary, Summary } from "../doctor/summary.ts";
import { argument, type Command, type Context } from "./command.ts";
import { JSON_OPTION } from "./common-options.ts";
import { firstLine, printable, size, span, table, time } from "./table.ts";

/** Parked addresses on the page; `--json` has all. */
const PARKED_SHOWN = 20;

export const doctorCommand: Command = {
  name: "doctor",
  summary: "examine a stopped node's data directory, and change nothing",
  args: "DIR",
  arity: [1, 1],
  details: `
Reads every file of the data directory, compares every checksum, counts what is there and compares the
counts with those the node keeps, and says for each finding what it means and what to do. It writes
nothing, and no node can start on the directory meanwhile; one that runs on it is refused by name.

Exits with 0 when the directory is healthy, with 1 when something was found.`,
  options: [JSON_OPTION],
  examples: ["statefold doctor ./data", "statefold doctor /var/lib/statefold --json"],
  run: doctor,
};

async function doctor(context: Context): Promise<number> {
  const { io, options } = context;
  const nowMs = Date.now();
  const { examine } = await import("../doctor/examine.ts");
  const { summaryOf } = await import("../doctor/summary.ts");
  const found = summaryOf(await examine(resolve(io.directory, argument(context, 0)), nowMs));
  const text = options.flag("json") ? `${JSON.stringify(found, null, 2)}\n` : page(found, nowMs);
  await io.out(text);
  return found.healthy ? 0 : 1;
}

function page(found: Summary, nowMs: number): string {
  const { partitions, topics, findings } = found;
  return [
    head(found),
    partitions.length === 0 ? "" : partitionTable(partitions),
    timers(partitions, nowMs),
    outboxTable(partitions),
    topics.length === 0 ? "" : topicTable(topics),
    parkedTable(partitions, nowMs),
    deadLetters(partitions),
    findings.map((finding, i) => findingText(finding, i + 1)).join("\n"),
    verdict(found),
  ]
    .filter(Boolean)
    .join("\n");
}

function head({ dir, description, disk }: Summary): string {
  const what =
    description === undefined
      ? "what it holds cannot be told"
      : `format ${description.formatVersion}, application "${description.application}", ${description.partitions} ${description.partitions === 1 ? "partition" : "partitions"}, made ${time(description.createdAtMs)}`;
  const space = `${size(disk.usedBytes)} here, ${size(disk.freeBytes)} of ${size(disk.sizeBytes)} free on its disk`;
  return `${printable(dir)}: ${printable(what)}\n${space}\n`;
}

function partitionTable(partitions: readonly PartitionSummary[]): string {
  return table(
    [
      ...["PARTITION", "EPOCH", "WITNESS", "DONE", "ADDRESSES", "WAITING", "TIMERS"],
      ...["OUTBOX", "KEYS", "CALLS", "PARKED", "DEAD", ""],
    ],
    partitions.map((each) => [
      ...[each.partition, each.epoch ?? "?", each.witnessEpoch ?? "?", each.finished ?? "?"],
      ...[each.addresses, each.pending.messages, each.timers.count],
      each.outboxes.reduce((sum, { effects }) => sum + effects, 0),
      ...[each.onceKeys, each.storedCalls, each.parked.length, each.dead.count],
      each.whole ? "" : "not whole",
    ]),
  );
}

function timers(partitions: readonly PartitionSummary[], nowMs: number): string {
  const earliest = (times: readonly (number | undefined)[]) =>
    times.reduce((a, b) => (a === undefined || (b !== undefined && b < a) ? b : a), undefined);
  const due = partitions.reduce((sum, each) => sum + each.timers.due, 0);
  const oldest = earliest(partitions.map((each) => each.timers.oldestAtMs));
  const next = earliest(partitions.map((each) => each.timers.nextAtMs));
  const mail = earliest(partitions.map((each) => each.pending.oldestAtMs));
  return [
    mail === undefined ? "" : `oldest message waiting: ${time(mail)}, ${span(nowMs - mail)} ago\n`,
    due === 0 || oldest === undefined
      ? ""
      : `delayed messages due: ${due}, the oldest since ${time(oldest)}, ${span(nowMs - oldest)} ago\n`,
    next === undefined ? "" : `next delayed message: ${time(next)}, in ${span(next - nowMs)}\n`,
  ].join("");
}

function outboxTable(partitions: readonly PartitionSummary[]): string {
  const rows = partitions.flatMap(({ partition, outboxes }) =>
    outboxes.map(({ destination, effects, first, last }) => [
      ...[partition, destination, effects],
      `${first} to ${last}`,
    ]),
  );
  return rows.length === 0 ? "" : table(["FROM", "OUTBOX TO", "WAITING", "NUMBERS"], rows);
}

function topicTable(topics: Summary["topics"]): string {
  return table(
    ["TOPIC", "PARTITION", "BEGIN", "END", "RECORDS", "SIZE", "OLDEST"],
    topics.flatMap(({ name, partitions }) =>
      partitions.map(({ partition, beginOffset, endOffset, records, bytes, oldestMs }) => [
        ...[name, partition, beginOffset ?? "?", endOffset ?? "?", records, size(bytes)],
        oldestMs === undefined ? "" : time(oldestMs),
      ]),
    ),
  );
}

function parkedTable(partitions: readonly PartitionSummary[], nowMs: number): string {
  const all = partitions.flatMap(({ parked }) => parked);
  if (all.length === 0) return "";
  const more = all.length - PARKED_SHOWN;
  const rows = all
    .slice(0, PARKED_SHOWN)
    .map(({ type, id, messages, sinceMs, code, reason }) => [
      ...[type, id, messages, span(nowMs - sinceMs), code, firstLine(reason)],
    ]);
  return (
    table(["PARKED", "ID", "WAITING", "SINCE", "CODE", "REASON"], rows) +
    (more > 0 ? `and ${more} more: --json has all\n` : "")
  );
}

function deadLetters(partitions: readonly PartitionSummary[]): string {
  const byCode = new Map<string, number>();
  for (const { dead } of partitions) {
    for (const [code, count] of Object.entries(dead.byCode)) {
      byCode.set(code, (byCode.get(code) ?? 0) + count);
    }
  }
  return byCode.size === 0 ? "" : table(["DEAD LETTERS", "COUNT"], [...byCode]);
}

function findingText({ kind, where, what, means, advice }: Finding, number: number): string {
  const lines = [`${number}. ${kind}: ${where}: ${what}`, `   means: ${means}`, `   do: ${advice}`];
  return lines.map((line) => `${printable(line)}\n`).join("");
}

function verdict({ healthy, findings, partitions }: Summary): string {
  const waiting = partitions.some(({ parked, dead }) => parked.length > 0 || dead.count > 0);
  const work = waiting
    ? "What is parked or dead waits for a person: start the node, then see statefold parked list, statefold dead list.\n"
    : "";
  if (healthy) return `${work}healthy: every checksum and every sum is right\n`;
  const count = findings.filter(({ kind }) => kind !== "note").length;
  return `${work}${count} ${count === 1 ? "finding" : "findings"}\n`;
}
