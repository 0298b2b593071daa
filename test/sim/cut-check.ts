/**
 * I7: whether the cuts of all partitions, taken together, are a moment that could have been. Looked at as
 * bytes on disks, by whoever has to restore them.
 */
import assert from "node:assert/strict";
import type { Message } from "../../src/model/message.ts";
import { readOutboxEntry } from "../../src/partition/outbox.ts";
import type { Changes } from "../../src/partition/ports.ts";
import {
  destinationOfPosition,
  egressDestination,
  keyOf,
  partitionDestination,
  peerSource,
} from "../../src/store/keys.ts";
import { decodeDead } from "../../src/store/records/dead.ts";
import { decodeMessage } from "../../src/store/records/message.ts";
import { decodeMeta } from "../../src/store/records/meta.ts";
import { decodePosition } from "../../src/store/records/position.ts";
import { decodeTimer } from "../../src/store/records/timer.ts";
import { audit, under } from "./audit.ts";
import type { SimDisk } from "./disk.ts";
import { EGRESS } from "./functions.ts";

/** What the cuts of all partitions hold together. */
export interface Held {
  /** On their way from one partition to another: sent, and not received. */
  readonly inFlight: readonly Message[];
  readonly mail: readonly Message[];
  /** Delayed, and whether somebody may cancel them. */
  readonly timers: readonly { readonly message: Message; readonly hasToken: boolean }[];
  readonly dead: readonly Message[];
  /** By partition: the first number that its egress has not acknowledged, and the next to be given. */
  readonly egress: readonly { readonly first: number; readonly next: number }[];
  /** By partition: how far its sources were taken. */
  readonly positions: readonly ReadonlyMap<string, number>[];
}

const FIRST_NUMBER = 1;

/** @param views the cuts of one barrier, by partition */
export function checkCut(views: readonly SimDisk[], barrier: number): Held {
  const positions = views.map(positionsOn);
  const outboxes = views.map(outboxesOn);
  const inFlight: Message[] = [];
  for (const [i, view] of views.entries()) {
    const [meta] = view.read([keyOf("meta")]);
    assert(meta !== undefined && decodeMeta(meta).barrier === barrier, "I7: a cut is another's");
    audit(view, NOBODY_KNOWS);
    for (const to of views.keys()) {
      if (to === i) continue;
      const { next, entries } = outboxOf(outboxes[i], partitionDestination(to));
      const received = positions[to]?.get(peerSource(i)) ?? FIRST_NUMBER;
      const way = `of partition ${i} for ${to}, cut ${barrier}`;
      assert(received <= next, `I7: ${received - 1} is received and ${next} not sent, ${way}`);
      let expected = received;
      for (const { first, effects } of entries) {
        effects.forEach((effect, n) => {
          if (first + n < received || effect.kind !== "message") return;
          assert.equal(first + n, expected, `I7: the messages ${way} have a hole`);
          expected++;
          inFlight.push(effect.message);
        });
      }
      assert.equal(expected, next, `I7: messages from ${expected} to ${next - 1} are lost, ${way}`);
    }
  }
  const held: Held = {
    inFlight,
    mail: views.flatMap((view) => under(view, "mail").map(({ value }) => decodeMessage(value))),
    timers: views.flatMap((view) =>
      under(view, "timer").map(({ value }) => {
        const { message, token } = decodeTimer(value);
        return { message, hasToken: token !== "" };
      }),
    ),
    dead: views.flatMap((view) =>
      under(view, "dead").flatMap(({ value }) => {
        const { what } = decodeDead(value);
        return what.kind === "message" ? [what.message] : [];
      }),
    ),
    egress: outboxes.map((all) => {
      const { next, entries } = outboxOf(all, egressDestination(EGRESS));
      return { first: entries[0]?.first ?? next, next };
    }),
    positions,
  };
  checkPlaces(held);
  return held;
}

/** What is said to have changed since an earlier snapshot is all that is different. */
export function checkChanges(before: SimDisk, now: SimDisk, { keys }: Changes): void {
  const isNamed = (key: Uint8Array): boolean => {
    const text = Buffer.from(key).toString("latin1");
    return keys.some((set) => set.has(text));
  };
  for (const { key, value } of now.all()) {
    const [earlier] = before.read([key]);
    if (earlier !== undefined && Buffer.compare(earlier, value) === 0) continue;
    assert(isNamed(key), `${Buffer.from(key)} has changed, and nobody says so`);
  }
  for (const { key } of before.all()) {
    if (now.read([key])[0] !== undefined) continue;
    assert(isNamed(key), `${Buffer.from(key)} is gone, and nobody says so`);
  }
}

/** Before what is known of a run has to do with it. */
const NOBODY_KNOWS = { isBelieved: true, isDone: () => false };

/** I4, over all partitions: what is on its way is nowhere else. */
function checkPlaces({ inFlight, mail, timers, dead }: Held): void {
  const seen = new Set<string>();
  for (const { id } of [...inFlight, ...mail, ...timers.map(({ message }) => message), ...dead]) {
    assert(!seen.has(id), `I7: ${id} is in two places of one cut`);
    seen.add(id);
  }
}

interface CutOutbox {
  next: number;
  readonly entries: ReturnType<typeof readOutboxEntry>[];
}

const outboxOf = (all: ReadonlyMap<string, CutOutbox> | undefined, to: string): CutOutbox =>
  all?.get(to) ?? { next: FIRST_NUMBER, entries: [] };

function outboxesOn(view: SimDisk): ReadonlyMap<string, CutOutbox> {
  const all = new Map<string, CutOutbox>();
  for (const { value } of under(view, "position")) {
    const { source, next } = decodePosition(value);
    const destination = destinationOfPosition(source);
    if (destination === undefined) continue;
    const range = { from: keyOf("outbox", destination), until: keyOf("outbox", destination, next) };
    const entries = view.list({ ...range, limit: Infinity }).map(readOutboxEntry);
    all.set(destination, { next, entries });
  }
  return all;
}

function positionsOn(view: SimDisk): ReadonlyMap<string, number> {
  const all = under(view, "position").map(({ value }) => decodePosition(value));
  return new Map(all.map(({ source, next }) => [source, next]));
}
