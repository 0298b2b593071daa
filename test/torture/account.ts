/**
 * The account from outside: what the topics, the states and the metrics say, against what was sent and
 * answered. Each check adds what it finds wrong, in words.
 */

import { differs, groupBy, upTo } from "./lists.ts";
import type { Sent } from "./load.ts";
import {
  type Added,
  COUNTER_IDS,
  type Heard,
  LEDGERS,
  ledgerOf,
  neighboursOf,
  type Rung,
  SOURCES,
  type Source,
  type Tallies,
} from "./messages.ts";

export interface Findings {
  /** In the order of their topic for each key. */
  readonly adds: readonly { readonly key: string; readonly value: unknown }[];
  readonly added: readonly Added[];
  readonly heard: readonly Heard[];
  readonly rung: readonly Rung[];
  /** By source and counter. */
  readonly sent: ReadonlyMap<string, Sent>;
  readonly totals: ReadonlyMap<string, number>;
  readonly tallies: readonly Tallies[];
}

export interface Account {
  readonly violations: readonly string[];
  readonly accepted: number;
  readonly unknown: number;
  /** Timers fired after their time, in ms. */
  readonly latenessMs: readonly number[];
}

export function drawAccount(findings: Findings): Account {
  const violations = [
    ...countersCountOn(findings),
    ...eachIsDoneOnce(findings),
    ...repliesAreRight(findings),
    ...mirrorsHearAll(findings),
    ...ledgersAgree(findings),
    ...timersRingOnce(findings),
  ];
  let accepted = 0;
  let unknown = 0;
  for (const sent of findings.sent.values()) {
    accepted += sent.accepted.length;
    unknown += sent.unknown.length;
  }
  const latenessMs = findings.rung.map(({ dueAtMs, atMs }) => atMs - dueAtMs);
  return { violations, accepted, unknown, latenessMs };
}

function* countersCountOn({ added, totals }: Findings): Generator<string> {
  const byCounter = groupBy(added, ({ id }) => id);
  for (const id of COUNTER_IDS) {
    const counted = (byCounter.get(id) ?? []).map(({ total }) => total);
    yield* differs(`topic added, ${id}: totals`, counted, upTo(counted.length));
    if ((totals.get(id) ?? 0) !== counted.length) {
      yield `counter ${id} has counted ${totals.get(id)}, the topic says ${counted.length}`;
    }
  }
}

function* eachIsDoneOnce({ added, adds, sent }: Findings): Generator<string> {
  const done = groupBy(added, ({ source, id }) => `${source} ${id}`);
  const written = groupBy(adds, ({ key }) => key);
  for (const id of COUNTER_IDS) {
    for (const source of SOURCES) {
      const name = `${source} ${id}`;
      const numbers = (done.get(name) ?? []).map(({ n }) => n);
      const { accepted = [], unknown = [] } = sent.get(name) ?? {};
      if (source === "topic") {
        const records = (written.get(id) ?? []).map(({ value }) => (value as Added).n);
        yield* differs(`${name}: done, against what the topic holds`, numbers, records);
      } else {
        yield* repeated(name, numbers);
      }
      const surely = new Set(accepted);
      const perhaps = new Set(unknown);
      const accounted = numbers.filter((n) => surely.has(n));
      yield* differs(`${name}: done, against what was accepted`, accounted, accepted);
      const strange = numbers.filter((n) => !surely.has(n) && !perhaps.has(n));
      yield* differs(`${name}: done and never sent`, strange, []);
    }
  }
}

/** The reply to a call is what was written as its message was counted. */
function* repliesAreRight({ added, sent }: Findings): Generator<string> {
  const totals = new Map(added.map(({ source, id, n, total }) => [`${source} ${id} ${n}`, total]));
  for (const [name, { answers }] of sent) {
    const source = name.slice(0, name.lastIndexOf(" ")) as Source;
    if (source !== "call" && source !== "keyed call") continue;
    for (const [n, text] of answers) {
      const total = totals.get(`${name} ${n}`);
      const expected = JSON.stringify({ n, total });
      if (text !== expected) yield `${name} ${n} was answered ${text}, counted ${expected}`;
    }
  }
}

function* mirrorsHearAll({ added, heard }: Findings): Generator<string> {
  const told = groupBy(added, ({ id }) => id);
  const arrived = groupBy(heard, ({ mirror, id }) => `${mirror} from ${id}`);
  for (const id of COUNTER_IDS) {
    const totals = (told.get(id) ?? []).map(({ total }) => total);
    for (const mirror of neighboursOf(id)) {
      const name = `${mirror} from ${id}`;
      const came = (arrived.get(name) ?? []).map(({ total }) => total);
      yield* differs(`mirror ${name}: heard, against what was told`, came, totals);
    }
  }
  for (const [mirror, messages] of groupBy(heard, (each) => each.mirror)) {
    const counts = messages.map((each) => each.heard);
    yield* differs(`mirror ${mirror}: counts`, counts, upTo(counts.length));
  }
}

function* ledgersAgree({ heard, tallies }: Findings): Generator<string> {
  const counts = groupBy(heard, ({ mirror }) => mirror);
  for (let ledger = 0; ledger < LEDGERS; ledger++) {
    const { heard: told = {}, outOfTurn = 0 } = tallies[ledger] ?? {};
    if (outOfTurn > 0) yield `ledger l${ledger}: ${outOfTurn} messages came out of turn`;
    for (const [mirror, messages] of counts) {
      if (ledgerOf(mirror) !== `l${ledger}`) continue;
      if (told[mirror] === messages.length) continue;
      yield `ledger l${ledger} was told ${told[mirror]} by mirror ${mirror}, which heard ${messages.length}`;
    }
  }
}

function* timersRingOnce({ added, rung }: Findings): Generator<string> {
  const rang = groupBy(rung, ({ id }) => id);
  const set = groupBy(added, ({ id }) => id);
  for (const id of COUNTER_IDS) {
    const totals = (rang.get(id) ?? []).map(({ total }) => total).sort((a, b) => a - b);
    const expected = (set.get(id) ?? []).map(({ total }) => total);
    yield* differs(`timers of ${id}`, totals, expected);
  }
  for (const { id, total, dueAtMs, atMs } of rung) {
    if (atMs < dueAtMs - 1) yield `timer ${total} of ${id} rang ${dueAtMs - atMs} ms early`;
  }
}

/** In which order an unanswered one came, over a connection of its own, nobody can say; but never twice. */
function* repeated(name: string, numbers: readonly number[]): Generator<string> {
  const seen = new Set<number>();
  for (const n of numbers) {
    if (seen.has(n)) yield `${name}: ${n} was done twice`;
    seen.add(n);
  }
}
