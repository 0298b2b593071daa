/** The raw content of a disk against the books on it, and against the memory of its partition. */
import assert from "node:assert/strict";
import { type Address, addressKey } from "../../src/model/address.ts";
import type { Message } from "../../src/model/message.ts";
import { keyText } from "../../src/partition/epochs.ts";
import type { ExpiryKind } from "../../src/partition/expiries.ts";
import { readMailKey } from "../../src/partition/mailboxes.ts";
import { readOutboxEntry } from "../../src/partition/outbox.ts";
import type { Partition } from "../../src/partition/partition.ts";
import type { Entry } from "../../src/store/contract.ts";
import { endOfPrefix, KeyReader, keyOf, type Tag } from "../../src/store/keys.ts";
import { decodeCall } from "../../src/store/records/call.ts";
import { decodeDead } from "../../src/store/records/dead.ts";
import { decodeMessage } from "../../src/store/records/message.ts";
import { decodeMeta } from "../../src/store/records/meta.ts";
import { decodeOnce } from "../../src/store/records/once.ts";
import { decodeOutbox } from "../../src/store/records/outbox.ts";
import { decodeState } from "../../src/store/records/state.ts";
import { decodeTimer } from "../../src/store/records/timer.ts";
import type { SimDisk } from "./disk.ts";
import { deliveryOf, type Shadow } from "./shadow.ts";

export function under(disk: SimDisk, tag: Tag): Entry[] {
  const from = keyOf(tag);
  return disk.list({ from, until: endOfPrefix(from), limit: Infinity });
}

/**
 * I4 on the disk: each place holds what the books say, and no message is in two of them. (After a loss of
 * epochs that was accepted, a record read again may be there twice.)
 */
export function audit(disk: SimDisk, shadow: Pick<Shadow, "isBelieved" | "isDone">): void {
  const [meta] = disk.read([keyOf("meta")]);
  if (meta === undefined) return;
  const held = decodeMeta(meta);
  assert.equal(held.epoch, disk.epoch, "I3: the epoch that the disk ends with");
  const places = new Map<string, string>();
  const place = (message: Message, where: string) => {
    if (!shadow.isBelieved) return;
    const delivery = deliveryOf(message);
    const before = places.get(delivery);
    assert.equal(before, undefined, `I4: ${delivery} is in two places, ${before} and ${where}`);
    assert(!shadow.isDone(message), `I4: ${delivery} is done, and still in ${where}`);
    places.set(delivery, where);
  };
  const mail = under(disk, "mail");
  for (const { value } of mail) place(decodeMessage(value), "mail");
  const timers = under(disk, "timer");
  for (const { value } of timers) place(decodeTimer(value).message, "timers");
  const dead = under(disk, "dead");
  for (const { value } of dead) {
    const { what } = decodeDead(value);
    if (what.kind === "message") place(what.message, "the dead letters");
  }
  let effects = 0;
  let outboxBytes = 0;
  for (const entry of under(disk, "outbox")) {
    outboxBytes += readOutboxEntry(entry).bytes;
    for (const effect of decodeOutbox(entry.value)) {
      effects++;
      if (effect.kind === "message") place(effect.message, "an outbox");
    }
  }
  assert.equal(outboxBytes, held.outboxBytes, "I9: what the effects on the disk weigh");
  assert.deepEqual(
    { mail: mail.length, timers: timers.length, dead: dead.length, outbox: effects },
    { mail: held.mail, timers: held.timers, dead: held.dead, outbox: held.outbox },
    "I4: what is on the disk, and what its books say",
  );
  const sum = held.mail + held.timers + held.outbox + held.dead;
  assert.equal(held.accepted - held.finished - sum, 0, "I4: the sum");
}

/** With nothing uncommitted, memory and disk are one, as far as the survey of the mail has come. */
export function auditMemory(disk: SimDisk, partition: Partition): void {
  const { epochs, ledger, mailboxes } = partition;
  if (epochs.isCommitting || epochs.dirtySinceMs !== undefined) return;
  const [meta] = disk.read([keyOf("meta")]);
  if (meta === undefined) return;
  const { accepted, finished, mail, timers, outbox, outboxBytes, dead } = decodeMeta(meta);
  const held = { accepted, finished, mail, timers, outbox, outboxBytes, dead };
  assert.deepEqual(ledger.written, held, "I4");
  const counts = new Map<string, { readonly address: Address; readonly count: number }>();
  for (const { key } of under(disk, "mail")) {
    const { address } = readMailKey(key);
    const at = addressKey(address);
    counts.set(at, { address, count: (counts.get(at)?.count ?? 0) + 1 });
  }
  for (const [at, { address, count }] of counts) {
    const held = mailboxes.countOf(address);
    const fleeting = [...(mailboxes.get(at)?.head ?? [])].filter((each) => each.fleeting).length;
    if (held === undefined) assert(!mailboxes.isSurveyed, `I4: nobody knows the mail of ${at}`);
    else assert.equal(held - fleeting, count, `I4: the mail of ${at}`);
  }
}

/** At the end of a run, when all is done: nothing is left that nobody will ever look at again. */
export function auditQuiet(disk: SimDisk, partition: Partition): void {
  for (const tag of ["mail", "timer", "token", "outbox", "parked"] as const) {
    assert.equal(under(disk, tag).length, 0, `${tag} is left on the disk`);
  }
  const { mailboxes, delivery, timers, calls } = partition;
  const { addresses, bytes, bytesInMemory, parkedCount } = mailboxes;
  assert.deepEqual(
    { addresses, bytes, bytesInMemory, parkedCount, inFlight: delivery.inFlight },
    { addresses: 0, bytes: 0, bytesInMemory: 0, parkedCount: 0, inFlight: 0 },
    "I9: memory is held, or counted, for nothing",
  );
  assert.deepEqual([timers.inMemory, calls.waiting], [0, 0], "I9: somebody waits for nothing");
  assert.equal(partition.barrier.held, 0, "I10: an input waits for a cut that nobody takes");
  for (const lane of delivery.lanes()) {
    assert.deepEqual([lane.running, lane.ready], [0, 0], `I9: the lane of ${lane.type}`);
  }
  auditExpiries(disk);
}

/** Whatever expires is in the index, at its time or before; and the index names nothing twice. */
function auditExpiries(disk: SimDisk): void {
  const entries = under(disk, "expiry").map(({ key }) => key);
  const index = new Set(entries.map(keyText));
  const expires = (atMs: number, kind: ExpiryKind, key: Uint8Array) =>
    assert(index.has(keyText(keyOf("expiry", atMs, kind, key))), `a ${kind} never expires`);
  for (const { key, value } of under(disk, "state")) {
    const { expiries, sweepAtMs } = decodeState(value);
    if (expiries.size === 0) continue;
    assert(sweepAtMs <= Math.min(...expiries.values()), "a state expires too late");
    expires(sweepAtMs, "state", key);
  }
  for (const { key, value } of under(disk, "once")) {
    expires(decodeOnce(value).expiresAtMs, "once", key);
  }
  for (const { key, value } of under(disk, "call")) {
    expires(decodeCall(value).expiresAtMs, "call", key);
  }
  const named = new Set<string>();
  for (const entry of entries) {
    const reader = new KeyReader(entry);
    reader.number();
    if (reader.text() !== "state") continue;
    const name = keyText(reader.rest());
    assert(!named.has(name), "a state stands in the expiry index twice");
    named.add(name);
  }
}

/** Of what had expired at that time nothing is left: it has been swept since. */
export function auditSwept(disk: SimDisk, atMs: number): void {
  for (const { value } of under(disk, "state")) {
    const earliestMs = Math.min(...decodeState(value).expiries.values());
    assert(
      earliestMs > atMs,
      `I9: a value that expired ${atMs - earliestMs} ms ago was never swept`,
    );
  }
  const times = [
    ...under(disk, "once").map(({ value }) => decodeOnce(value).expiresAtMs),
    ...under(disk, "call").map(({ value }) => decodeCall(value).expiresAtMs),
  ];
  const left = times.filter((expiresAtMs) => expiresAtMs <= atMs);
  assert.equal(left.length, 0, "I9: keys and calls that have expired were never swept");
}
