/**
 * What can be looked at in an open partition: a closed list of questions, each with its answer, all of them
 * plain data. Lists read what is durable, straight from the store.
 */
import type {
  AddressDetail,
  AddressSummary,
  MessageView,
  ParkedDetail,
  ParkedSummary,
  StuckQuery,
  TimerSummary,
} from "../gateway/admin-port.ts";
import type { Address } from "../model/address.ts";
import type { Message } from "../model/message.ts";
import type { CircuitState } from "../partition/circuit.ts";
import { deadKey, readDeadKey } from "../partition/dead-letters.ts";
import { mailRange } from "../partition/mailboxes.ts";
import { parkedKey } from "../partition/parking.ts";
import type { Partition } from "../partition/partition.ts";
import { readTimerKey } from "../partition/timers.ts";
import type { Store } from "../store/contract.ts";
import { type DeadRecord, decodeDead } from "../store/records/dead.ts";
import { decodeMessage } from "../store/records/message.ts";
import { decodeParked, type ParkedRecord } from "../store/records/parked.ts";
import { decodeTimer } from "../store/records/timer.ts";
import { describeAddress, listAddresses, pendingOf } from "./address-list.ts";
import { obstacleOf } from "./obstacle.ts";
import { holdsNothingOlder } from "./older-records.ts";
import { entryLister, type Found, type KeyRange } from "./pages.ts";
import { isDeadMeant, isParkedMeant } from "./stuck-query.ts";

/** Messages shown of a parked address; fewer, but one at least, when they have more bytes than that. */
const SHOWN_MESSAGES = 10;
const SHOWN_BYTES = 4 * 1024 * 1024;

/** An open partition to be looked at. */
export interface Look {
  readonly store: Store;
  readonly partition: Partition;
  /** What egresses say about their receivers, while those cannot be reached. */
  readonly egressReasons: () => ReadonlyMap<string, string>;
  readonly onFrames: () => readonly string[];
}

/** A part of a list: see pages.ts. */
export interface Part {
  readonly range: KeyRange;
  readonly limit: number;
  readonly examined: number;
}

/** Whether it works, and how far it has come. */
export interface Work {
  readonly unfinished: number;
  /** Of it, what waits for a snapshot. */
  readonly held: number;
  /** Mail that an opening found, and that is not counted yet: some of it may be served when it is. */
  readonly uncounted: number;
  /** Everything is durable, and nothing is being committed. */
  readonly isSettled: boolean;
  readonly inFlight: number;
  readonly accepted: number;
  readonly finished: number;
}

/** What a person should hear of. */
export interface Condition {
  /** Of each function type that has something to do. */
  readonly lanes: readonly {
    readonly endpoint: string;
    readonly running: number;
    readonly circuit: CircuitState;
  }[];
  /** Parked last, of those that are. */
  readonly latestParked: ParkedRecord | undefined;
  /** As in {@link Look}. */
  readonly egressReasons: ReadonlyMap<string, string>;
  /** Endpoints that take many calls in a request at the moment, by name. */
  readonly onFrames: readonly string[];
}

export interface Views {
  /** Where a source goes on; undefined when it was never read. */
  position: { ask: { readonly source: string }; answer: number | undefined };
  /** The same as a crash of this moment would find it. */
  durable: { ask: { readonly source: string }; answer: number | undefined };
  work: { ask: Nothing; answer: Work };
  condition: { ask: Nothing; answer: Condition };
  /** What is in the way of an address's mail. */
  obstacle: { ask: { readonly address: Address }; answer: string | undefined };
  /** See older-records.ts. */
  nothingOlder: { ask: { readonly egress: string; readonly incarnation: number }; answer: boolean };
  addresses: { ask: Part; answer: readonly Found<AddressSummary>[] };
  timers: { ask: Part; answer: readonly Found<TimerSummary>[] };
  parked: { ask: Part & StuckPart; answer: readonly Found<ParkedSummary>[] };
  dead: { ask: Part & StuckPart; answer: readonly Found<NumberedDead>[] };
  address: {
    ask: { readonly address: Address; readonly nowMs: number };
    answer: AddressDetail | undefined;
  };
  parkedDetail: { ask: { readonly address: Address }; answer: ParkedDetail | undefined };
  deadRecord: { ask: { readonly number: number }; answer: DeadRecord | undefined };
}

export type ViewName = keyof Views;

export type Nothing = Readonly<Record<never, never>>;

interface StuckPart {
  readonly query: StuckQuery;
}

export interface NumberedDead {
  readonly number: number;
  readonly record: DeadRecord;
}

type View<K extends ViewName> = (
  look: Look,
  ask: Views[K]["ask"],
) => Views[K]["answer"] | Promise<Views[K]["answer"]>;

export const VIEWS: { readonly [K in ViewName]: View<K> } = {
  position: ({ partition }, { source }) => partition.positions.next(source),
  durable: ({ partition }, { source }) => partition.positions.durable(source),
  work: ({ partition }) => workOf(partition),
  condition: ({ partition, egressReasons, onFrames }) => ({
    lanes: [...partition.delivery.lanes()].map(({ binding, running, circuit }) => {
      return { endpoint: binding.endpoint, running, circuit: circuit.state };
    }),
    latestParked: partition.parking.latest,
    egressReasons: egressReasons(),
    onFrames: onFrames(),
  }),
  obstacle: ({ partition }, { address }) => obstacleOf(partition, address),
  nothingOlder: ({ partition }, { egress, incarnation }) => {
    return holdsNothingOlder(partition, egress, incarnation);
  },
  addresses: ({ store, partition }, { range, limit }) => {
    return listAddresses(store, partition, range, limit);
  },
  timers: ({ store }, { range, limit, examined }) => {
    const lister = entryLister(({ key, value }) => timerSummary(key, value));
    return lister(store, range, limit, examined);
  },
  async parked({ store, partition }, { query, range, limit, examined }) {
    const lister = entryLister(({ value }) => {
      const record = decodeParked(value);
      return isParkedMeant(query, record) ? record : undefined;
    });
    const found: Found<ParkedSummary>[] = [];
    for (const { key, item } of await lister(store, range, limit, examined)) {
      const summary = item === undefined ? undefined : parkedSummary(store, partition, item);
      found.push({ key, item: await summary });
    }
    return found;
  },
  dead: ({ store }, { query, range, limit, examined }) => {
    const lister = entryLister(({ key, value }): NumberedDead | undefined => {
      const record = decodeDead(value);
      return isDeadMeant(query, record) ? { number: readDeadKey(key), record } : undefined;
    });
    return lister(store, range, limit, examined);
  },
  address: ({ store, partition }, { address, nowMs }) => {
    return describeAddress(store, partition, address, nowMs);
  },
  async parkedDetail({ store, partition }, { address }) {
    const [bytes] = await store.getMany([parkedKey(address)]);
    if (bytes === undefined) return undefined;
    const mail = await store.scan({
      ...{ ...mailRange(address), limit: SHOWN_MESSAGES, maxBytes: SHOWN_BYTES },
    });
    const messages = mail.map((entry) => viewOf(decodeMessage(entry.value)));
    return { ...(await parkedSummary(store, partition, decodeParked(bytes))), messages };
  },
  async deadRecord({ store }, { number }) {
    const [bytes] = await store.getMany([deadKey(number)]);
    return bytes === undefined ? undefined : decodeDead(bytes);
  },
};

export function viewOf(message: Message): MessageView {
  const { id, target, caller, causeId, acceptedAtMs, traceparent, value, headers } = message;
  const { recordAtMs } = message;
  return {
    ...{ id, target, caller, causeId, acceptedAtMs, traceparent, value, headers, recordAtMs },
  };
}

function workOf({ unfinished, outboxes, epochs, delivery, ledger, mailboxes }: Partition): Work {
  const isSettled = !epochs.isCommitting && epochs.dirtySinceMs === undefined;
  const { accepted, finished } = ledger;
  const { inFlight } = delivery;
  const { uncounted } = mailboxes;
  return { unfinished, held: outboxes.held, uncounted, isSettled, inFlight, accepted, finished };
}

function timerSummary(key: Uint8Array, bytes: Uint8Array): TimerSummary {
  const { message, sender, token } = decodeTimer(bytes);
  const { target, id: messageId, value } = message;
  const dueAtMs = readTimerKey(key).dueMs;
  return { dueAtMs, sender, target, valueType: value.typename, token, messageId };
}

async function parkedSummary(
  store: Store,
  partition: Partition,
  record: ParkedRecord,
): Promise<ParkedSummary> {
  return { ...record, pending: await pendingOf(store, partition, record.address) };
}
