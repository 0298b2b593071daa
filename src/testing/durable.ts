/** Reads what is durable: what a node would still know after a crash. */
import type { StatefulFunction, StateOf, States } from "@statefold/sdk";
import { StatefoldError } from "../base/errors.ts";
import type { Address } from "../model/address.ts";
import { decodeStateEntry } from "../model/persisted-value.ts";
import { deadRange, readDeadKey } from "../partition/dead-letters.ts";
import { mailRange } from "../partition/mailboxes.ts";
import { parkedRange } from "../partition/parking.ts";
import { stateKey } from "../partition/states.ts";
import { readTimerKey, timerRange } from "../partition/timers.ts";
import type { Entry } from "../store/contract.ts";
import { endOfPrefix, KeyReader, keyOf } from "../store/keys.ts";
import type { MemoryContents } from "../store/memory.ts";
import { decodeDead } from "../store/records/dead.ts";
import { decodeMessage } from "../store/records/message.ts";
import { decodeParked } from "../store/records/parked.ts";
import { decodeState } from "../store/records/state.ts";
import { decodeTimer } from "../store/records/timer.ts";
import type { KnownTypes } from "./known-types.ts";
import type { Outlets } from "./outlets.ts";
import { type DeadView, type ParkedView, type TimerView, viewMessage } from "./views.ts";

/** The values of an address, by name; each state of the function is there, undefined without a value. */
export function readState<S extends States>(
  contents: MemoryContents,
  fn: StatefulFunction<S>,
  address: Address,
  nowMs: number,
): StateOf<S> {
  const bytes = contents.get(stateKey(address));
  const { entries, expiries } = decodeState(bytes ?? new Uint8Array(0));
  const { names, specs } = fn.definition;
  const values = names.map((name, index): [string, unknown] => {
    const entry = entries.get(name);
    const isOver = (expiries.get(name) ?? Infinity) <= nowMs;
    if (entry === undefined || isOver) return [name, undefined];
    const { value } = decodeStateEntry(entry);
    const type = specs[index]?.type;
    if (type?.typename === value.typename) return [name, type.deserialize(value.value)];
    const text = `${address.type} ${JSON.stringify(address.id)}: state "${name}" holds a ${value.typename}, not a ${type?.typename}`;
    throw new StatefoldError("REQUEST_INVALID", text);
  });
  return Object.fromEntries(values) as StateOf<S>;
}

/** The ids of a function type that have state, as one partition holds them. */
export function readIds(contents: MemoryContents, type: string): string[] {
  const from = keyOf("state", type);
  return [...contents.range(from, endOfPrefix(from))].map(({ key }) => {
    const reader = new KeyReader(key);
    reader.text();
    return reader.text();
  });
}

/** Whether messages wait for this address. */
export function hasMail(contents: MemoryContents, address: Address): boolean {
  return entriesIn(contents, mailRange(address)).length > 0;
}

export function readTimers(contents: MemoryContents, types: KnownTypes): TimerView[] {
  return entriesIn(contents, timerRange()).map(({ key, value }) => {
    const { message, token } = decodeTimer(value);
    return { dueAtMs: readTimerKey(key).dueMs, token, ...viewMessage(message, types) };
  });
}

export function readParked(contents: MemoryContents, types: KnownTypes): ParkedView[] {
  return entriesIn(contents, parkedRange()).map(({ value }) => {
    const parked = decodeParked(value);
    const mail = entriesIn(contents, mailRange(parked.address));
    const messages = mail.map((entry) => viewMessage(decodeMessage(entry.value), types));
    return { ...parked, messages };
  });
}

export function readDead(
  contents: MemoryContents,
  partition: number,
  types: KnownTypes,
  outlets: Outlets,
): DeadView[] {
  return entriesIn(contents, deadRange()).map(({ key, value }) => {
    const { code, reason, atMs, attempts, address, what, egress } = decodeDead(value);
    return {
      ...{ id: `${partition}-${readDeadKey(key)}`, code, reason, atMs, attempts, address },
      message: what.kind === "message" ? viewMessage(what.message, types) : undefined,
      record: what.kind === "record" ? outlets.view(egress, what.record, atMs) : undefined,
    };
  });
}

function entriesIn(
  contents: MemoryContents,
  { from, until }: { readonly from: Uint8Array; readonly until: Uint8Array },
): Entry[] {
  return [...contents.range(from, until)];
}
