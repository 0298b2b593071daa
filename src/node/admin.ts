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
import { deadRange } from "../partition/dead-letters.ts";
import { parkedRange } from "../partition/parking.ts";
import type { OperatorVerb } from "../partition/ports.ts";
import { timerRange } from "../partition/timers.ts";
import type { DeadRecord } from "../store/records/dead.ts";
import { addressRange } from "./address-list.ts";
import { asked } from "./asked.ts";
import { listPages } from "./pages.ts";
import type { Partitions } from "./partitions.ts";
import type { NodeReport } from "./report.ts";
import type { Seat } from "./seat.ts";
import type { Snapshots } from "./snapshots.ts";
import { viewOf } from "./views.ts";

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

  status(): Promise<NodeStatus> {
    return this.#report.status();
  }

  async partitions(): Promise<readonly PartitionStatus[]> {
    return this.#report.partitions();
  }

  endpoints(): Promise<readonly EndpointStatus[]> {
    return this.#report.endpoints();
  }

  addresses(query: AddressQuery): Promise<Page<AddressSummary>> {
    const { seats } = this.#partitions;
    return listPages(seats, addressRange(query.type), query, (seat, part) => {
      return seat.look("addresses", part);
    });
  }

  async address(address: Address): Promise<AddressDetail | undefined> {
    const seat = this.#partitions.ownerOf(address);
    return await seat.look("address", { address, nowMs: Date.now() });
  }

  timers(query: PageQuery): Promise<Page<TimerSummary>> {
    const { seats } = this.#partitions;
    return listPages(seats, timerRange(), query, (seat, part) => seat.look("timers", part));
  }

  parked(query: StuckQuery): Promise<Page<ParkedSummary>> {
    const { seats } = this.#partitions;
    return listPages(seats, parkedRange(query.type), query, (seat, part) => {
      return seat.look("parked", { ...part, query });
    });
  }

  async parkedDetail(address: Address): Promise<ParkedDetail | undefined> {
    return await this.#partitions.ownerOf(address).look("parkedDetail", { address });
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
    const seat = this.#partitions.ownerOf(address);
    let purged: number | undefined;
    // A piece at a time, each an epoch of its own: nobody waits for a long mailbox (I6).
    for (;;) {
      const { found, messages, more } = await decide(seat, { kind: "purgeParked", address });
      if (found !== undefined) purged = (purged ?? 0) + messages;
      if (!more) return purged;
    }
  }

  dead(query: StuckQuery): Promise<Page<DeadSummary>> {
    const { seats } = this.#partitions;
    return listPages(seats, deadRange(), query, async (seat, part) => {
      const found = await seat.look("dead", { ...part, query });
      return found.map(({ item, key }) => {
        if (item === undefined) return { item, key };
        return { item: deadSummary(deadId(seat.index, item.number), item.record), key };
      });
    });
  }

  async deadDetail(id: string): Promise<DeadDetail | undefined> {
    const place = this.#placeOf(id);
    if (place === undefined) return undefined;
    const record = await place.seat.look("deadRecord", { number: place.number });
    if (record === undefined) return undefined;
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
    const { seat, number } = place;
    return (await decide(seat, { kind: "retryDead", number, to })).found !== undefined;
  }

  async deadPurge(id: string): Promise<boolean> {
    const place = this.#placeOf(id);
    if (place === undefined) return false;
    const { seat, number } = place;
    return (await decide(seat, { kind: "purgeDead", number })).found !== undefined;
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

  #placeOf(id: string): { seat: Seat; number: number } | undefined {
    const match = /^(\d{1,6})-(\d{1,16})$/.exec(id);
    const seat = match === null ? undefined : this.#partitions.seats[Number(match[1])];
    return seat === undefined ? undefined : { seat, number: Number(match?.[2]) };
  }
}

/** A dead letter's name outside: its partition and its number there. */
const deadId = (partition: number, number: number): string => `${partition}-${number}`;

/** @throws StatefoldError with the partition's reason, when it refuses */
async function decide(seat: Seat, verb: OperatorVerb) {
  const answer = await asked(seat, { kind: "operator", verb }).answer;
  if (answer.kind === "operated") return answer;
  if (answer.kind === "refused") throw new StatefoldError(answer.code, answer.reason);
  throw new StatefoldError("INTERNAL", `a decision was answered with ${answer.kind}`);
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
