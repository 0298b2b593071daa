/** Opens a partition: reads what has to be in memory before its first turn. Its mail has not (survey.ts). */

import { firstNumberOf } from "../model/outbox-number.ts";
import type { Entry, Store } from "../store/contract.ts";
import { destinationOfPosition, endOfPrefix, KeyReader, keyOf, type Tag } from "../store/keys.ts";
import { decodeMeta, type MetaRecord, NO_META } from "../store/records/meta.ts";
import { decodeParked, type ParkedRecord } from "../store/records/parked.ts";
import { decodePosition } from "../store/records/position.ts";
import { decodeSpecs } from "../store/records/specs.ts";
import { outboxRange } from "./outbox.ts";
import type { StoredOutbox } from "./outboxes.ts";
import { Partition, type PartitionOptions } from "./partition.ts";
import type { Recovered } from "./recovered.ts";

const PAGE = 5_000;
const PAGE_BYTES = 16 * 1024 * 1024;

/** A store that holds nothing yet. */
const BLANK: MetaRecord = { ...NO_META, nextSequence: 1 };

export interface OpenOptions extends Omit<PartitionOptions, "recovered"> {
  /**
   * The last epoch that was synced, when the store is older and somebody accepted that. Default: the store
   * holds every epoch it ever had.
   */
  readonly lostEpoch?: number | undefined;
}

/** Opens a partition on what its store holds. Its first turn is still to come. */
export async function openPartition(store: Store, options: OpenOptions): Promise<Partition> {
  const { lostEpoch, ...rest } = options;
  const found = await recover(store);
  const recovered = lostEpoch === undefined ? found : afterLoss(found, lostEpoch);
  return new Partition({ ...rest, recovered });
}

async function recover(store: Store): Promise<Recovered> {
  const [bytes] = await store.getMany([keyOf("meta")]);
  const meta = bytes === undefined ? BLANK : decodeMeta(bytes);
  const firstNumber = firstNumberOf(meta.incarnation);
  const positions: { source: string; next: number }[] = [];
  const outboxes: StoredOutbox[] = [];
  for await (const entry of entriesOf(store, "position")) {
    const position = decodePosition(entry.value);
    const destination = destinationOfPosition(position.source);
    if (destination === undefined) positions.push(position);
    else {
      const found = await findOutbox(store, destination, position.next);
      outboxes.push(found.next < firstNumber ? begunAnew(found, firstNumber) : found);
    }
  }
  const specs: Recovered["specs"][number][] = [];
  for await (const entry of entriesOf(store, "specs")) specs.push(decodeSpecs(entry.value));
  const parked: ParkedRecord[] = [];
  for await (const entry of entriesOf(store, "parked")) parked.push(decodeParked(entry.value));
  return { meta, positions, outboxes, specs, parked };
}

async function findOutbox(store: Store, destination: string, next: number): Promise<StoredOutbox> {
  const [first] = await store.scan({ ...outboxRange(destination), limit: 1 });
  if (first === undefined) return { destination, next, firstStored: next, storedEnd: next };
  const reader = new KeyReader(first.key);
  reader.text();
  return { destination, next, firstStored: reader.number(), storedEnd: next };
}

/** What it holds keeps its numbers; those it gives are higher. */
function begunAnew(outbox: StoredOutbox, next: number): StoredOutbox {
  const isEmpty = outbox.firstStored === outbox.storedEnd;
  return isEmpty ? { ...outbox, next, firstStored: next, storedEnd: next } : { ...outbox, next };
}

/** Epochs between two losses at most. */
const EPOCHS_OF_A_LOSS = 2 ** 32;
/** More than the lost epochs can have given numbers in one outbox. */
const LOST_NUMBERS = 2 ** 32;

/**
 * The lost epochs gave out message ids and outbox numbers that others remember: the same must not be given
 * to anything new, or it would be taken for what they have already. A new incarnation begins.
 *
 * Losses are counted in the high part of the epoch, which the witness beside the store remembers: so each
 * counts, also when the same old copy is put back twice.
 */
function afterLoss(recovered: Recovered, lostEpoch: number): Recovered {
  const { meta } = recovered;
  const loss = Math.floor(lostEpoch / EPOCHS_OF_A_LOSS) + 1;
  const epoch = loss * EPOCHS_OF_A_LOSS;
  const incarnation = Math.max(meta.incarnation + 1, loss);
  const outboxes = recovered.outboxes.map((outbox) => {
    return begunAnew(outbox, Math.max(outbox.next + LOST_NUMBERS, firstNumberOf(incarnation)));
  });
  // There is an epoch for each session, so none of the lost ones had this number.
  const session = Math.max(meta.session, epoch);
  return { ...recovered, meta: { ...meta, incarnation, epoch, session }, outboxes };
}

/** All entries under a tag. */
export async function* entriesOf(store: Store, tag: Tag): AsyncGenerator<Entry> {
  for await (const page of pagesOf(store, tag)) yield* page;
}

/** A page at a time; the next one is read while one is gone through. */
async function* pagesOf(store: Store, tag: Tag): AsyncGenerator<readonly Entry[]> {
  const until = endOfPrefix(keyOf(tag));
  const read = (from: Uint8Array): Promise<Entry[]> => {
    const reading = store.scan({ from, until, limit: PAGE, maxBytes: PAGE_BYTES });
    reading.catch(() => {}); // whoever broke off does not wait for it
    return reading;
  };
  for (let next = read(keyOf(tag)); ; ) {
    const page = await next;
    const last = page.at(-1);
    if (last === undefined) return;
    next = read(Buffer.concat([last.key, Buffer.of(0)]));
    yield page;
  }
}
