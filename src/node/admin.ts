/**
 * What a person may see and do. Lists read what is durable, straight from the stores; decisions go
 * through the partitions like everything else that changes something. While a partition is down nothing
 * is left out silently: what needs it is UNAVAILABLE.
 */
import { StatefoldError } from "../base/errors.ts";
import type {
  AddressDetail,
  AddressQuery,
  AddressSummary,
  Admin,
  DeadDetail,
  DeadSummary,
  EndpointStatus,
  MessageView,
  NewTarget,
  NodeStatus,
  Page,
  PageQuery,
  ParkedDetail,
  ParkedSummary,
  PartitionStatus,
  SnapshotReport,
  StuckQuery,
  TimerSummary,
} from "../gateway/admin-port.ts";
import type { Address } from "../model/address.ts";
import type { Message } from "../model/message.ts";
import { deadKey, deadRange, readDeadKey } from "../partition/dead-letters.ts";
import { mailRange } from "../partition/mailboxes.ts";
import { parkedKey, parkedRange } from "../partition/parking.ts";
import type { Partition } from "../partition/partition.ts";
import type { OperatorVerb } from "../partition/ports.ts";
import { readTimerKey, timerRange } from "../partition/timers.ts";
import {
  type DeadRecord,
  decodeDead,
  decodeMessage,
  decodeParked,
  decodeTimer,
  type ParkedRecord,
} from "../store/records.ts";
import { addressRange, describeAddress, listAddresses, pendingOf } from "./address-list.ts";
import { entryLister, listPages } from "./pages.ts";
import type { PartitionHost } from "./partition-host.ts";
import type { Partitions } from "./partitions.ts";
import type { NodeReport } from "./report.ts";
import type { Snapshots } from "./snapshots.ts";
import { isDeadMeant, isParkedMeant } from "./stuck-query.ts";

/** Messages shown of a parked address; fewer, but one at least, when they have more bytes than that. */
const SHOWN_MESSAGES = 10;
const SHOWN_BYTES = 4 * 1024 * 1024;

export class NodeAdmin implements Admin {
  readonly #partitions: Partitions;
  readonly #report: NodeReport;
  readonly #snapshots: Snapshots | undefined;

  /** @param snapshots undefined: none are kept */
  constructor(partitions: Partitions, report: NodeReport, snapshots?: Snapshots) {
    this.#partitions = partitions;
    this.#report = report;
    this.#snapshots = snapshots;
  }

  async status(): Promise<NodeStatus> {
    return this.#report.status();
  }

  async partitions(): Promise<readonly PartitionStatus[]> {
    return this.#report.partitions();
  }

  async endpoints(): Promise<readonly EndpointStatus[]> {
    return this.#report.endpoints();
  }

  addresses(query: AddressQuery): Promise<Page<AddressSummary>> {
    return listPages(this.#partitions, addressRange(query.type), query, listAddresses);
  }

  async address(address: Address): Promise<AddressDetail | undefined> {
    return await this.#partitions
      .ownerOf(address)
      .read((store, partition) => describeAddress(store, partition, address, Date.now()));
  }

  timers(query: PageQuery): Promise<Page<TimerSummary>> {
    const lister = entryLister((entry) => {
      const { message, sender, token } = decodeTimer(entry.value);
      const { target, id: messageId, value } = message;
      const dueAtMs = readTimerKey(entry.key).dueMs;
      return { dueAtMs, sender, target, valueType: value.typename, token, messageId };
    });
    return listPages(this.#partitions, timerRange(), query, lister);
  }

  parked(query: StuckQuery): Promise<Page<ParkedSummary>> {
    const lister = entryLister(({ value }, { partition }) => {
      const record = decodeParked(value);
      return isParkedMeant(query, record) ? parkedSummary(partition, record) : undefined;
    });
    return listPages(this.#partitions, parkedRange(query.type), query, lister);
  }

  async parkedDetail(address: Address): Promise<ParkedDetail | undefined> {
    return await this.#partitions.ownerOf(address).read(async (store, partition) => {
      const [bytes] = await store.getMany([parkedKey(address)]);
      if (bytes === undefined) return undefined;
      const mail = await store.scan({
        ...{ ...mailRange(address), limit: SHOWN_MESSAGES, maxBytes: SHOWN_BYTES },
      });
      const messages = mail.map((entry) => viewOf(decodeMessage(entry.value)));
      return { ...parkedSummary(partition, decodeParked(bytes)), messages };
    });
  }

  async parkedRetry(address: Address): Promise<boolean> {
    const verb = { kind: "retryParked", address } as const;
    return (await decide(this.#partitions.ownerOf(address), verb)).found !== undefined;
  }

  async parkedSkip(address: Address): Promise<{ messageId: string } | undefined> {
    const verb = { kind: "skipParked", address } as const;
    const { found: messageId } = await decide(this.#partitions.ownerOf(address), verb);
    return messageId === undefined ? undefined : { messageId };
  }

  async parkedPurge(address: Address): Promise<number | undefined> {
    const host = this.#partitions.ownerOf(address);
    let purged: number | undefined;
    // A piece at a time, each an epoch of its own: nobody waits for a long mailbox (I6).
    for (;;) {
      const { found, messages, more } = await decide(host, { kind: "purgeParked", address });
      if (found !== undefined) purged = (purged ?? 0) + messages;
      if (!more) return purged;
    }
  }

  dead(query: StuckQuery): Promise<Page<DeadSummary>> {
    const lister = entryLister((entry, { index }) => {
      const record = decodeDead(entry.value);
      const id = deadId(index, readDeadKey(entry.key));
      return isDeadMeant(query, record) ? deadSummary(id, record) : undefined;
    });
    return listPages(this.#partitions, deadRange(), query, lister);
  }

  async deadDetail(id: string): Promise<DeadDetail | undefined> {
    const place = this.#placeOf(id);
    if (place === undefined) return undefined;
    const [bytes] = await place.host.read((store) => store.getMany([deadKey(place.number)]));
    if (bytes === undefined) return undefined;
    const record = decodeDead(bytes);
    const { what } = record;
    return {
      ...deadSummary(id, record),
      value: what.kind === "message" ? what.message.value : what.record.value,
      message: what.kind === "message" ? viewOf(what.message) : undefined,
    };
  }

  async deadRetry(id: string, to: NewTarget | undefined): Promise<boolean> {
    const place = this.#placeOf(id);
    if (place === undefined) return false;
    const { host, number } = place;
    return (await decide(host, { kind: "retryDead", number, to })).found !== undefined;
  }

  async deadPurge(id: string): Promise<boolean> {
    const place = this.#placeOf(id);
    if (place === undefined) return false;
    const { host, number } = place;
    return (await decide(host, { kind: "purgeDead", number })).found !== undefined;
  }

  async snapshotNow(): Promise<SnapshotReport> {
    if (this.#snapshots === undefined) {
      const text = "no snapshots are kept: the node was started without --snapshots URL";
      throw new StatefoldError("NOT_FOUND", text);
    }
    const { name, manifest, writtenBytes, elapsedMs } = await this.#snapshots.take();
    const { barrier, takenAtMs } = manifest;
    return { name, barrier, takenAtMs, writtenBytes, elapsedMs };
  }

  #placeOf(id: string): { host: PartitionHost; number: number } | undefined {
    const match = /^(\d{1,6})-(\d{1,16})$/.exec(id);
    const host = match === null ? undefined : this.#partitions.hosts[Number(match[1])];
    return host === undefined ? undefined : { host, number: Number(match?.[2]) };
  }
}

/** A dead letter's name outside: its partition and its number there. */
const deadId = (partition: number, number: number): string => `${partition}-${number}`;

/** @throws StatefoldError with the partition's reason, when it refuses */
async function decide(host: PartitionHost, verb: OperatorVerb) {
  const answer = await host.ask({ kind: "operator", verb }).answer;
  if (answer.kind === "operated") return answer;
  if (answer.kind === "refused") throw new StatefoldError(answer.code, answer.reason);
  throw new StatefoldError("INTERNAL", `a decision was answered with ${answer.kind}`);
}

function parkedSummary(partition: Partition, record: ParkedRecord): ParkedSummary {
  return { ...record, pending: pendingOf(partition, record.address) };
}

function deadSummary(id: string, record: DeadRecord): DeadSummary {
  const { what, address, code, reason, atMs, attempts, source, egress } = record;
  const value = what.kind === "message" ? what.message.value : what.record.value;
  return {
    target: what.kind === "message" ? what.message.target : undefined,
    ...{ id, address, code, reason, atMs, attempts, kind: what.kind, valueType: value.typename },
    source: source === "" ? undefined : source,
    egress: egress === "" ? undefined : egress,
  };
}

function viewOf(message: Message): MessageView {
  const { id, target, caller, causeId, acceptedAtMs, traceparent, value, headers } = message;
  const { recordAtMs } = message;
  return {
    ...{ id, target, caller, causeId, acceptedAtMs, traceparent, value, headers, recordAtMs },
  };
}
