/** What must hold of a partition's memory, and of what leaves it, at the end of each turn. */

import assert from "node:assert/strict";
import { addressKey } from "../../src/model/address.ts";
import { CALL_TYPE } from "../../src/model/owner.ts";
import type { Lane } from "../../src/partition/lane.ts";
import type { PartitionLimits } from "../../src/partition/limits.ts";
import { heldBytes, type Mailbox } from "../../src/partition/mailbox.ts";
import type { Partition } from "../../src/partition/partition.ts";
import type { Release, Turn } from "../../src/partition/ports.ts";
import { readTimerKey, timerRange } from "../../src/partition/timers.ts";
import {
  egressDestination,
  keyOf,
  partitionDestination,
  peerSource,
} from "../../src/store/keys.ts";
import { decodeMeta } from "../../src/store/records/meta.ts";
import { decodePosition } from "../../src/store/records/position.ts";
import { decodeTimer } from "../../src/store/records/timer.ts";
import type { SimDisk } from "./disk.ts";

/** As in src/partition/circuit.ts. */
const LONGEST_OPEN_MS = 10_000;
/** As in src/partition/expiries.ts. */
const SWEEP_EVERY_MS = 10_000;
/** As in src/partition/timers.ts. */
const SPILL_EVERY_MS = 50;

/** A partition at the end of a turn, and what the world does for it at that moment. */
export interface Moment {
  readonly partition: Partition;
  readonly turn: Turn;
  readonly nowMs: number;
  readonly limits: PartitionLimits;
  readonly disk: SimDisk;
  /** A read or a commit that it waits for. */
  readonly isReading: boolean;
  readonly isCommitting: boolean;
  /** Invocations whose answer it has not applied. */
  readonly tickets: ReadonlySet<number>;
}

/** I10: whatever waits has something that will wake it. */
export function checkLiveness(moment: Moment): void {
  const { partition, turn, nowMs, tickets } = moment;
  const wakeAtMs = turn.wakeAtMs ?? Infinity;
  const lanes = new Map<string, Lane>();
  for (const lane of partition.delivery.lanes()) lanes.set(lane.type, lane);
  const busy = new Map<string, number>();
  for (const mailbox of partition.mailboxes.values()) {
    const { phase, key } = mailbox;
    const { type } = mailbox.address;
    switch (phase.kind) {
      case "idle":
        checkIdle(mailbox);
        break;
      case "searched":
        assert(!mailbox.isKnown, `I10: ${key} is looked for, and known`);
        break;
      case "ready":
        checkReady(lanes.get(type), key, nowMs, wakeAtMs);
        break;
      case "preparing":
        assert(moment.isReading, `I10: ${key} waits for a read that nobody asked for`);
        break;
      case "running":
        assert(tickets.has(phase.ticket), `I10: ${key} waits for an answer that nobody gives`);
        break;
      case "resting":
        assert(wakeAtMs <= phase.untilMs, `I10: ${key} rests and nobody wakes it`);
        checkRest(phase.untilMs - nowMs, lanes.get(type)?.binding.retry.maxMs, key);
        break;
      case "awaitingCommit":
        checkCommits(moment, key);
        break;
      case "parked":
        break;
    }
    const isBusy = phase.kind === "preparing" || phase.kind === "running";
    if (isBusy && type !== CALL_TYPE) busy.set(type, (busy.get(type) ?? 0) + 1);
  }
  for (const { type, running } of lanes.values()) {
    // An operator's skip is in preparation without a slot.
    assert(running <= (busy.get(type) ?? 0), `I10: ${type} has lost slots`);
  }
  const { isSurveyed } = partition.mailboxes;
  assert(isSurveyed || moment.isReading, "I10: the survey of the mail has stopped");
  const since = partition.epochs.dirtySinceMs;
  if (since !== undefined && !moment.isCommitting) {
    const lingerMs = moment.limits.commitLingerMs;
    assert(wakeAtMs <= since + lingerMs, "I10: a change waits and nobody commits it");
    checkRest(since - nowMs, lingerMs, "a change");
    assert(!partition.epochs.isUrgent, "I10: somebody waits for a commit that does not start");
  }
  checkTimers(moment, wakeAtMs);
  const { held, wanted, number } = partition.barrier;
  if (held > 0 || wanted > number) checkCommits(moment, "a cut");
  const isSweptSoon = moment.isReading || wakeAtMs <= nowMs + SWEEP_EVERY_MS;
  assert(isSweptSoon, "I10: nobody looks for what has expired");
}

function checkIdle({ key, isKnown, tail, count }: Mailbox): void {
  // The survey has come to it, and counts what it has in the store.
  if (!isKnown) assert.equal(tail.size, 0, `I10: nobody looks for ${key}`);
  else assert.equal(count, 0, `I10: ${key} has mail and nobody serves it`);
}

function checkReady(lane: Lane | undefined, key: string, nowMs: number, wakeAtMs: number): void {
  assert(lane !== undefined, `I10: ${key} is in line nowhere`);
  if (lane.running >= lane.binding.concurrency || !lane.hasRoom) return;
  assert(!lane.circuit.admits(nowMs), `I10: ${key} is ready, may be called, and is not`);
  const probeAtMs = lane.circuit.wakeAtMs;
  if (probeAtMs === undefined) assert(lane.running > 0, `I10: ${key} waits for a lost probe`);
  else {
    assert(wakeAtMs <= probeAtMs, `I10: ${key} waits for a probe that nobody sends`);
    checkRest(probeAtMs - nowMs, LONGEST_OPEN_MS, `the circuit of ${key}`);
  }
}

/** When the clock goes back, nothing waits for it to come forward again. */
function checkRest(restMs: number, longestMs: number | undefined, what: string): void {
  assert(
    longestMs !== undefined && restMs <= longestMs,
    `I10: ${what} rests for ${restMs} ms more`,
  );
}

function checkCommits({ partition, isCommitting }: Moment, key: string): void {
  const { epochs } = partition;
  const comes = isCommitting || epochs.dirtySinceMs !== undefined;
  assert(comes, `I10: ${key} waits for a commit that nobody starts`);
}

/**
 * With nothing uncommitted, the disk knows every timer: the first of them wakes the partition, or its time
 * has come and it waits for its address, for its place in line, or for others that fill the memory.
 */
function checkTimers(moment: Moment, wakeAtMs: number): void {
  const { partition, limits, disk, nowMs, isReading, isCommitting } = moment;
  if (isReading || isCommitting || partition.epochs.dirtySinceMs !== undefined) return;
  const { timers, mailboxes } = partition;
  const isFull =
    timers.held >= limits.timersInMemory || timers.bytesInMemory >= limits.timerBytesInMemory;
  const inLine = new Map<string, number>();
  for (const { address, isInLine } of mailboxes.values()) {
    if (isInLine) inLine.set(address.type, (inLine.get(address.type) ?? 0) + 1);
  }
  const lanes = new Map([...partition.delivery.lanes()].map((lane) => [lane.type, lane]));
  for (const { key, value } of disk.list({ ...timerRange(), limit: Number.POSITIVE_INFINITY })) {
    const { dueMs } = readTimerKey(key);
    if (wakeAtMs <= Math.max(dueMs, isFull ? nowMs + SPILL_EVERY_MS : nowMs)) continue;
    const { target } = decodeTimer(value).message;
    const places = lanes.get(target.type)?.binding.concurrency ?? 1;
    // Its time may have come before the clock went back.
    const isServed = mailboxes.get(addressKey(target))?.isServed === true;
    const waits = isServed || (inLine.get(target.type) ?? 0) >= places;
    assert(waits, `I10: a timer for ${addressKey(target)} waits and nobody wakes for it`);
  }
}

/** I4, I9: what is counted as it changes is what there is. */
export function checkSums({ partition, limits }: Moment): void {
  const { mailboxes, ledger, timers, states } = partition;
  const sum = { count: 0, bytes: 0, bytesInMemory: 0, unfinishedBytes: 0, parkedCount: 0 };
  for (const mailbox of mailboxes.values()) {
    assert(
      mailbox.isKnown || !mailboxes.isSurveyed,
      `I4: nobody counts the mail of ${mailbox.key}`,
    );
    const isParked = mailbox.phase.kind === "parked";
    const pending = [...mailbox.head, ...mailbox.tail];
    const inMemory = pending.reduce((bytes, each) => bytes + each.bytes, 0);
    sum.count += mailbox.count;
    sum.bytes += inMemory + mailbox.spilledBytes;
    sum.bytesInMemory += pending.reduce((bytes, each) => bytes + heldBytes(each), 0);
    sum.unfinishedBytes += isParked ? 0 : inMemory + mailbox.spilledBytes;
    sum.parkedCount += isParked ? mailbox.count : 0;
    const isBounded = mailbox.head.size <= limits.mailboxMessagesInMemory;
    assert(isBounded, `I9: ${mailbox.key} holds ${mailbox.head.size} messages in memory`);
  }
  const { bytes, bytesInMemory: held, unfinishedBytes, parkedCount } = mailboxes;
  assert(sum.count <= ledger.mail, "I4: more mail than is in the books");
  assert.deepEqual(
    sum,
    {
      count: mailboxes.isSurveyed ? ledger.mail : sum.count,
      bytes,
      bytesInMemory: held,
      unfinishedBytes,
      parkedCount,
    },
    "I4: mail as it is counted, and as it is",
  );
  assert(timers.inMemory <= ledger.timers, "I4: more timers in memory than there are");
  assert(states.bytes >= 0, "I9: the states in memory weigh less than nothing");
  assert.equal(ledger.drift, 0, "I4: messages are unaccounted for");
}

/** I2, where the disk can tell: what leaves is in its outbox, what was taken in its positions. */
export function checkReleased(disk: SimDisk, release: Release): void {
  if ("to" in release && release.barrier > 0) {
    const [meta] = disk.read([keyOf("meta")]);
    const durable = meta === undefined ? 0 : decodeMeta(meta).barrier;
    assert(release.barrier <= durable, "I7: a number is used that is not on the disk");
  }
  if (release.kind === "acknowledge" || release.kind === "resume") {
    const [bytes] = disk.read([keyOf("position", peerSource(release.to))]);
    const next = bytes === undefined ? 1 : decodePosition(bytes).next;
    const told = release.kind === "resume" ? release.next : release.upTo + 1;
    assert(told <= next, "I2: a peer is told of messages that are not on the disk");
  }
  if (release.kind !== "publish" && release.kind !== "channel") return;
  const destination =
    release.kind === "publish"
      ? egressDestination(release.egress)
      : partitionDestination(release.to);
  const key = keyOf("outbox", destination, release.first);
  assert(disk.read([key])[0] !== undefined, "I2: released before it was durable");
}
