/** Addresses that have state or mail, from the two ranges of keys where they stand. */
import type { AddressDetail, AddressSummary } from "../gateway/admin-port.ts";
import { type Address, addressKey } from "../model/address.ts";
import { decodeStateEntry } from "../model/persisted-value.ts";
import { mailRange } from "../partition/mailboxes.ts";
import { parkedKey } from "../partition/parking.ts";
import type { Partition } from "../partition/partition.ts";
import { stateKey } from "../partition/states.ts";
import type { Store } from "../store/contract.ts";
import { endOfPrefix, KeyReader, keyOf, TAGS } from "../store/keys.ts";
import { decodeState } from "../store/records/state.ts";
import { entriesIn, type Found, type KeyRange, STEP_ENTRIES } from "./pages.ts";

/** The range of the state keys of a type, or of all: the cursor of a page is such a key. */
export function addressRange(type: string | undefined): KeyRange {
  const from = type === undefined ? keyOf("state") : keyOf("state", type);
  return { from, until: endOfPrefix(from) };
}

export async function listAddresses(
  store: Store,
  partition: Partition,
  range: KeyRange,
  limit: number,
): Promise<Found<AddressSummary>[]> {
  const found = new Map<string, { address: Address; key: Uint8Array; stateBytes: number }>();
  for await (const { key, value } of entriesIn(store, range, limit)) {
    const address = addressOf(key);
    found.set(addressKey(address), { address, key, stateBytes: value.byteLength });
  }
  for (const address of await withMail(store, range, limit)) {
    const key = addressKey(address);
    if (!found.has(key)) found.set(key, { address, key: stateKey(address), stateBytes: 0 });
  }
  const sorted = [...found.values()].sort((a, b) => Buffer.compare(a.key, b.key)).slice(0, limit);
  const parked = await store.getMany(sorted.map(({ address }) => parkedKey(address)));
  const pending: number[] = [];
  for (const { address } of sorted) pending.push(await pendingOf(store, partition, address));
  return sorted.map(({ address, key, stateBytes }, i) => {
    return {
      key,
      item: { address, stateBytes, pending: pending[i] ?? 0, parked: parked[i] !== undefined },
    };
  });
}

export async function describeAddress(
  store: Store,
  partition: Partition,
  address: Address,
  nowMs: number,
): Promise<AddressDetail | undefined> {
  const [bytes, parked] = await store.getMany([stateKey(address), parkedKey(address)]);
  const pending = await pendingOf(store, partition, address);
  if (bytes === undefined && parked === undefined && pending === 0) return undefined;
  const { entries, expiries } = decodeState(bytes ?? new Uint8Array(0));
  const states = [...entries.values()].flatMap((entry) => {
    const { name, value } = decodeStateEntry(entry);
    const expiresAtMs = expiries.get(name);
    const isExpired = expiresAtMs !== undefined && expiresAtMs <= nowMs;
    return isExpired ? [] : [{ name, value, expiresAtMs }];
  });
  const stateBytes = bytes?.byteLength ?? 0;
  return { address, stateBytes, pending, parked: parked !== undefined, states };
}

/**
 * Messages that wait for an address. The partition counts them; where it has not come to that since it was opened,
 * the store is read through.
 */
export async function pendingOf(
  store: Store,
  partition: Partition,
  address: Address,
): Promise<number> {
  const count = partition.mailboxes.countOf(address);
  if (count !== undefined) return count;
  let stored = 0;
  for await (const _ of entriesIn(store, mailRange(address), Infinity, STEP_ENTRIES)) stored++;
  return stored;
}

/** Addresses with mail, each found by a jump over the mail of the one before. */
async function withMail(store: Store, range: KeyRange, limit: number): Promise<Address[]> {
  const found: Address[] = [];
  let from = asMail(range.from);
  const until = asMail(range.until);
  while (found.length < limit && Buffer.compare(from, until) < 0) {
    const [entry] = await store.scan({ from, until, limit: 1 });
    if (entry === undefined) break;
    const address = addressOf(entry.key);
    // A page begins behind an address, but that place among the mail is before its messages.
    if (Buffer.compare(stateKey(address), range.from) >= 0) found.push(address);
    from = mailRange(address).until;
  }
  return found;
}

/** The same place among the mail: both keys begin with a tag, then type and id. */
function asMail(stateKey: Uint8Array): Uint8Array {
  const key = Buffer.from(stateKey);
  key[0] = (key[0] ?? 0) - TAGS.state + TAGS.mail;
  return key;
}

function addressOf(key: Uint8Array): Address {
  const reader = new KeyReader(key);
  return { type: reader.text(), id: reader.text() };
}
