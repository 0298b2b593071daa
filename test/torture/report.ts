/** The account for people: what was done, what came of it, the verdict. */

import type { KeepingResult } from "./keeping.ts";
import type { TortureResult } from "./run.ts";
import { median } from "./samples.ts";
import type { Subject } from "./subject.ts";

const SHOWN_VIOLATIONS = 30;
const SHOWN_CHARACTERS = 60;

export function report(result: TortureResult): string {
  const { blows, subjects, load, account, flatness, violations } = result;
  const lines: [string, string][] = [];
  for (const [blow, times] of blows) lines.push([blow, `${times} ×`]);
  for (const subject of subjects) lines.push([subject.name, livesOf(subject)]);
  lines.push(["kills of functions", String(killsOf(subjects.slice(1)))]);
  lines.push(["accepted", `${account?.accepted ?? load.accepted} messages`]);
  lines.push([
    "without an answer",
    `${account?.unknown ?? "?"} without a key; ${load.repeated} sent again with their key`,
  ]);
  lines.push(["asked again in the end", `${result.askedAgain} with their key`]);
  for (const [refusal, times] of load.refusals) lines.push([refusal, `${times} ×`]);
  if (account !== undefined) lines.push(["timers late", spread(account.latenessMs)]);
  subjects.forEach((subject, i) => {
    const flat = flatness[i];
    if (flat === undefined) return;
    const [rssFirst, rssLast] = flat.rssBytes.map(megabytes);
    const [first, last] = flat.descriptors;
    lines.push([
      `${subject.name}, without kills`,
      `RSS ${rssFirst} → ${rssLast}, descriptors ${first} → ${last} (medians of first and last third, ${flat.samples} samples)`,
    ]);
  });
  lines.push(
    ["partitions on disk", size(result.partitions)],
    ["topics on disk", size(result.topics)],
  );
  return page(lines, subjects, violations);
}

/** A table, how processes ended, what they logged, and the verdict. */
export function page(
  lines: readonly (readonly [name: string, text: string])[],
  subjects: readonly Subject[],
  violations: readonly string[],
): string {
  const width = Math.max(...lines.map(([name]) => name.length)) + 2;
  const table = lines.map(([name, text]) => `  ${name.padEnd(width)}${text}\n`).join("");
  const said = subjects.map((subject) => logOf(subject)).join("");
  return `\n${table}\n${endsOf(subjects)}${said}${verdict(violations)}`;
}

export function keepingReport(result: KeepingResult): string {
  const { starts, kills, fills, starvings, epochs, records, refused, violations } = result;
  const life = `${starts} starts, ${kills} kills, the disk filled ${fills} times, no descriptors ${starvings} times, ${refused} refusals`;
  return `\n  ${life}; ${epochs} epochs and ${records} records kept\n\n${verdict(violations)}`;
}

export function livesOf({
  starts,
  stops,
  kills,
  killsDuringStart,
  ownEnds,
  recoverMs,
}: Subject): string {
  const ends = ownEnds.length === 0 ? "" : `, ${ownEnds.length} ends of its own`;
  return `${kills} kills (${killsDuringStart} before it was ready), ${stops} stops, ${starts} starts${ends}; ready again ${spread(recoverMs)}`;
}

function killsOf(subjects: readonly Subject[]): number {
  return subjects.reduce((sum, { kills }) => sum + kills, 0);
}

/** Each reason once. */
function endsOf(subjects: readonly Subject[]): string {
  const reasons = new Map<string, number>();
  for (const { name, ownEnds } of subjects) {
    for (const { code, signal, during, words } of ownEnds) {
      const last = words.split("\n").at(-1) ?? "";
      const reason = `${name} ended with ${signal ?? code}, ${during}: ${last}`;
      reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
    }
  }
  const lines = [...reasons].map(([reason, times]) => `  ${times} × ${reason}\n`);
  return lines.length === 0 ? "" : `Ends of its own:\n${lines.join("")}\n`;
}

/** What it logged, each message with how often. */
function logOf({ name, script }: Subject): string {
  const times = new Map<string, number>();
  for (const line of script.output.split("\n")) {
    const message = messageOf(line);
    if (message !== undefined) times.set(message, (times.get(message) ?? 0) + 1);
  }
  const lines = [...times].map(([message, count]) => `  ${count} × ${message}\n`);
  return lines.length === 0 ? "" : `Log of the ${name}:\n${lines.join("")}\n`;
}

function messageOf(line: string): string | undefined {
  if (!line.startsWith("{")) return undefined;
  try {
    const { msg } = JSON.parse(line) as { readonly msg?: string };
    return msg?.slice(0, SHOWN_CHARACTERS);
  } catch {
    return undefined; // it was killed as it wrote
  }
}

export function verdict(violations: readonly string[]): string {
  if (violations.length === 0) return "Everything came out exact.\n";
  const shown = violations.slice(0, SHOWN_VIOLATIONS).map((each) => `  ${each}\n`);
  return `${violations.length} violations:\n${shown.join("")}`;
}

export function spread(valuesMs: readonly number[]): string {
  if (valuesMs.length === 0) return "–";
  const largest = valuesMs.reduce((max, each) => Math.max(max, each));
  return `p50 ${median(valuesMs).toFixed(0)} ms, max ${largest.toFixed(0)} ms`;
}

export function megabytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(0)} MiB`;
}

function size({ bytes, files }: { readonly bytes: number; readonly files: number }): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB in ${files} files`;
}
