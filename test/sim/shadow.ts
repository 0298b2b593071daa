/**
 * What a partition must know, kept beside it by the simplest means: the states of its addresses, the
 * timers made and cancelled, and which messages are done. Everything is as of the last turn; what is not
 * durable is taken back when the partition's memory is lost.
 *
 * It learns of an answer in the turn in which the partition applies it, so times are exact: when a value
 * ends, when a timer is due. Where a clock that goes back makes two outcomes right, both are.
 */

import assert from "node:assert/strict";
import { addressKey } from "../../src/model/address.ts";
import type { Effects, Invocation } from "../../src/model/invocation.ts";
import type { Message } from "../../src/model/message.ts";
import { CALL_TYPE } from "../../src/model/owner.ts";
import { encodeStateEntry, stateEntryName } from "../../src/model/persisted-value.ts";
import type { Input } from "../../src/partition/ports.ts";
import { readTimerKey } from "../../src/partition/timers.ts";
import type { Write } from "../../src/store/contract.ts";
import { egressDestination, endOfPrefix, KeyReader, keyOf, TAGS } from "../../src/store/keys.ts";
import { decodeDead } from "../../src/store/records/dead.ts";
import { decodeMessage } from "../../src/store/records/message.ts";
import { decodeOutbox, type EgressEffect } from "../../src/store/records/outbox.ts";
import { decodeState } from "../../src/store/records/state.ts";
import { decodeTimer } from "../../src/store/records/timer.ts";
import type { NodeClock } from "./clock.ts";
import type { SimDisk } from "./disk.ts";
import {
  EGRESS,
  type Envelope,
  envelopeOf,
  MEMORY_MS,
  type Trace,
  WARMTH_MS,
} from "./functions.ts";
import type { Paths } from "./paths.ts";
import { SKIPPING } from "./program.ts";
import type { Schedule } from "./schedule.ts";
import type { TimerBook } from "./timer-book.ts";

interface Value {
  readonly entry: Uint8Array;
  readonly expiresAtMs: number | undefined;
  /** True time of its last write or refresh. */
  readonly sinceMs: number;
}

type Values = ReadonlyMap<string, Value>;

const LIVES_MS: Readonly<Record<string, number>> = { memory: MEMORY_MS, warmth: WARMTH_MS };
const NOTHING: Values = new Map();
const EGRESS_KEY = keyOf("outbox", egressDestination(EGRESS));

/** What one epoch did, to be made final or taken back. */
interface Epoch {
  readonly undo: (() => void)[];
  readonly done: string[];
  readonly labels: string[];
  readonly changed: Set<string>;
}

const newEpoch = (): Epoch => ({ undo: [], done: [], labels: [], changed: new Set() });

export interface ShadowParts {
  readonly clock: NodeClock;
  readonly schedule: Schedule;
  readonly paths: Paths;
  readonly timers: TimerBook;
}

export class Shadow {
  readonly #parts: ShadowParts;
  readonly #states = new Map<string, Values>();
  /** Deliveries of messages that were handled, durably. */
  readonly #done = new Set<string>();
  /** Addresses that people have purged in this life. */
  readonly #purging = new Set<string>();
  #filling = newEpoch();
  #committing: Epoch | undefined;

  constructor(parts: ShadowParts) {
    this.#parts = parts;
  }

  /** After an accepted loss of epochs what left them may come again, under the same ids. */
  get isBelieved(): boolean {
    return this.#parts.timers.isBelieved;
  }

  /** Something was applied that the running life has not committed. */
  get hasUncommitted(): boolean {
    return this.#filling.done.length > 0;
  }

  /**
   * A function is called: what it is told is exactly what is remembered.
   * @param openedMs true time since when the partition is up
   */
  started({ target, state, messages }: Invocation, nowMs: number, openedMs: number): void {
    const key = addressKey(target);
    const values = new Map(this.#valuesOf(key));
    const given = new Map(state.map((entry) => [stateEntryName(entry), entry]));
    let isChanged = false;
    let isRefreshed = false;
    for (const [name, value] of values) {
      const { entry, expiresAtMs } = value;
      const found = given.get(name);
      const isGiven = found !== undefined && Buffer.compare(found, entry) === 0;
      if (expiresAtMs !== undefined && (expiresAtMs <= nowMs || this.#mayBeGone(value))) {
        if (isGiven) assert(expiresAtMs > nowMs, `${key}: an expired ${name} was sent`);
        else {
          this.#parts.paths.hit("expiredWithheld");
          values.delete(name);
          isChanged = true;
          continue;
        }
      }
      assert(isGiven, `${key}: ${name} is not what was written last`);
      if (name !== "warmth" || expiresAtMs === nowMs + WARMTH_MS) continue;
      this.#parts.paths.hit("warmthKept");
      const sinceMs = this.#parts.schedule.nowMs;
      values.set(name, { entry, expiresAtMs: nowMs + WARMTH_MS, sinceMs });
      isRefreshed = true;
    }
    for (const [name, entry] of given) {
      const hasValue = values.has(name) || entry.byteLength <= name.length + 10;
      assert(hasValue, `${key}: ${name} was sent, and is not remembered`);
    }
    // What has expired may have been removed before, by a sweep.
    if (isChanged || isRefreshed) this.#set(key, values, isRefreshed);
    for (const message of messages) {
      const isDone = this.isBelieved && this.isDone(message);
      assert(!isDone, `${message.id} is called again, though it is done`);
      this.#parts.timers.delivered(envelopeOf(message).step.label, openedMs);
    }
  }

  /** An answer was applied in this turn. */
  applied({ target, messages }: Invocation, effects: Effects, nowMs: number): void {
    const key = addressKey(target);
    const values = new Map(this.#valuesOf(key));
    const written = new Set(effects.mutations.map(({ name }) => name));
    for (const [name, { expiresAtMs }] of values) {
      const isOver = expiresAtMs !== undefined && expiresAtMs <= nowMs && !written.has(name);
      this.#parts.paths.hitIf(isOver, "expiredDuringCall");
    }
    for (const { name, value } of effects.mutations) {
      values.delete(name);
      if (value === undefined) continue;
      const livesMs = LIVES_MS[name];
      values.set(name, {
        entry: encodeStateEntry(name, value.typename, value.value),
        expiresAtMs: livesMs === undefined ? undefined : nowMs + livesMs,
        sinceMs: this.#parts.schedule.nowMs,
      });
    }
    this.#set(key, values);
    for (const message of messages) {
      this.#filling.done.push(deliveryOf(message));
      this.#filling.labels.push(envelopeOf(message).step.label);
    }
    const undo = (taken: () => void) => this.#filling.undo.push(taken);
    for (const effect of effects.delayed) {
      if (effect.kind === "cancel") this.#parts.timers.cancel(target, effect.token, undo);
      else {
        const { label } = envelopeOf(effect).step;
        const { token, delayMs } = effect;
        this.#parts.timers.add({ label, sender: target, token, dueMs: nowMs + delayMs }, undo);
      }
    }
  }

  /** People may want the mail of addresses removed. */
  asked(inputs: readonly Input[]): void {
    for (const input of inputs) {
      if (input.kind !== "operator" || input.verb.kind !== "purgeParked") continue;
      this.#purging.add(addressKey(input.verb.address));
    }
  }

  /** The end of a turn that starts a commit: it holds exactly what changed (I3). */
  beginCommit(writes: readonly Write[], disk: SimDisk): void {
    assert.equal(this.#committing, undefined);
    const epoch = this.#filling;
    const { changed } = epoch;
    const traced: string[] = [];
    for (const { key, value } of writes) {
      if (key[0] === TAGS.state) {
        const reader = new KeyReader(key);
        const at = addressKey({ type: reader.text(), id: reader.text() });
        this.#compare(at, value);
        changed.delete(at);
      } else if (key[0] === TAGS.outbox && value !== undefined && startsWith(key, EGRESS_KEY)) {
        for (const effect of decodeOutbox(value)) {
          if (effect.kind === "record") traced.push(...labelIn(effect.record));
        }
      } else if (key[0] === TAGS.timer && value !== undefined) {
        const { label } = (envelopeOf(decodeTimer(value).message) as Envelope).step;
        this.#parts.timers.written(label, readTimerKey(key).dueMs);
      }
    }
    this.#checkMail(writes, disk, epoch);
    assert.deepEqual([...changed], [], "I3: a state changed and is not in the commit");
    assert.deepEqual(traced.sort(), epoch.labels.sort(), "I3: what the egress is told in an epoch");
    this.#committing = epoch;
    this.#filling = newEpoch();
  }

  /** I4: mail leaves the disk with what became of it. What was purged is done: nobody may see it again. */
  #checkMail(writes: readonly Write[], disk: SimDisk, { done }: Epoch): void {
    const gone = writes.filter(({ key, value }) => key[0] === TAGS.mail && value === undefined);
    if (gone.length === 0) return;
    const handled = new Set(done);
    const dead = new Set<string>();
    for (const { key, value } of writes) {
      if (key[0] !== TAGS.dead || value === undefined) continue;
      const { what } = decodeDead(value);
      if (what.kind === "message") dead.add(deliveryOf(what.message));
    }
    for (const { key } of gone) {
      const [bytes] = disk.read([key]);
      assert(bytes !== undefined, "I3: mail is removed that was never written");
      const message = decodeMessage(bytes);
      const { id, target } = message;
      const delivery = deliveryOf(message);
      if (target.type === CALL_TYPE || handled.has(delivery) || dead.has(delivery)) continue;
      const isPurged = this.#purging.has(addressKey(target));
      const { actions } = envelopeOf(message).step;
      const mayBeSkipped = target.type === SKIPPING && actions.some((each) => each.do === "poison");
      assert(isPurged || mayBeSkipped, `I4: ${id} left the mail, and nothing became of it`);
      if (isPurged && !mayBeSkipped) this.#parts.paths.hit("purgedStored");
      done.push(delivery);
    }
  }

  /** The commit is on the disk; its partition may not know yet. */
  durable(): void {
    const epoch = this.#committing;
    if (epoch === undefined) return;
    for (const delivery of epoch.done) this.#done.add(delivery);
    this.#committing = undefined;
  }

  /** Memory is lost: what was not durable was never done. */
  lost(): void {
    for (const epoch of [this.#filling, this.#committing]) {
      for (const undo of (epoch?.undo ?? []).reverse()) undo();
    }
    this.#filling = newEpoch();
    this.#committing = undefined;
    this.#purging.clear();
  }

  /** The disk lost what was durable: it is right, whatever it holds. */
  believe(disk: SimDisk): void {
    this.#states.clear();
    this.#done.clear();
    for (const { key, value } of statesOn(disk)) {
      const { entries, expiries } = decodeState(value);
      const values = new Map<string, Value>();
      for (const [name, entry] of entries) {
        values.set(name, { entry, expiresAtMs: expiries.get(name), sinceMs: 0 });
      }
      this.#states.set(key, values);
    }
  }

  /** A life begins: the disk holds what was committed, of every address. */
  opened(disk: SimDisk): void {
    const stored = new Map(statesOn(disk).map(({ key, value }) => [key, value]));
    for (const key of new Set([...this.#states.keys(), ...stored.keys()])) {
      this.#compare(key, stored.get(key));
    }
  }

  isDone(message: Message): boolean {
    return this.#done.has(deliveryOf(message));
  }

  /** What is written of an address is what is remembered; what has expired may be gone. */
  #compare(at: string, bytes: Uint8Array | undefined): void {
    const { entries, expiries } =
      bytes === undefined
        ? { entries: new Map<string, Uint8Array>(), expiries: new Map<string, number>() }
        : decodeState(bytes);
    const values = this.#valuesOf(at);
    let gone: Map<string, Value> | undefined;
    for (const [name, value] of values) {
      const entry = entries.get(name);
      if (entry === undefined && this.#mayBeGone(value)) {
        gone ??= new Map(values);
        gone.delete(name);
        continue;
      }
      const isSame = entry !== undefined && Buffer.compare(entry, value.entry) === 0;
      assert(isSame, `${at}: the disk does not hold the ${name} that was written last`);
      assert.equal(expiries.get(name), value.expiresAtMs, `${at}: when ${name} expires`);
    }
    for (const name of entries.keys()) assert(values.has(name), `${at}: ${name} is left`);
    if (gone === undefined) return;
    this.#states.set(at, gone);
    // Should this commit not become durable, the disk still has it.
    this.#filling.undo.push(() => this.#states.set(at, values));
  }

  #mayBeGone({ expiresAtMs, sinceMs }: Value): boolean {
    if (expiresAtMs === undefined) return false;
    return this.#parts.clock.most(sinceMs, this.#parts.schedule.nowMs) >= expiresAtMs;
  }

  #valuesOf(key: string): Values {
    return this.#states.get(key) ?? NOTHING;
  }

  #set(key: string, values: Values, isForCertain = true): void {
    const before = this.#valuesOf(key);
    this.#states.set(key, values);
    if (isForCertain) this.#filling.changed.add(key);
    this.#filling.undo.push(() => this.#states.set(key, before));
  }
}

/**
 * A message on its way to a target. A person may send one that died elsewhere: it may come by a partition
 * again that has not heard yet that its first journey is over.
 */
export const deliveryOf = ({ id, target }: Message): string => `${id} to ${addressKey(target)}`;

/** What a record tells of a step; nothing when a person sent another one to that egress. */
function labelIn(record: EgressEffect): string[] {
  const { step }: Partial<Trace> = envelopeOf(record);
  return step === undefined ? [] : [step.label];
}

function statesOn(disk: SimDisk): { key: string; value: Uint8Array }[] {
  const from = keyOf("state");
  return disk.list({ from, until: endOfPrefix(from), limit: Infinity }).map((entry) => {
    const reader = new KeyReader(entry.key);
    return { key: addressKey({ type: reader.text(), id: reader.text() }), value: entry.value };
  });
}

const startsWith = (key: Uint8Array, prefix: Uint8Array): boolean =>
  Buffer.compare(key.subarray(0, prefix.byteLength), prefix) === 0;
