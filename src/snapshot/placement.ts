/**
 * Where each record of a cut belongs among the partitions of a restored application. Each is assigned by
 * itself, by the address, the source or the destination it names; nothing but the count of partitions
 * decides (model/owner.ts).
 *
 *   state, mail, once, parked    the owner of the address
 *   call                         the owner of the call
 *   timer, token                 the owner of the sender, or of the target when it came from outside
 *   expiry                       with what it names
 *   outbox of a partition        what the receiver's cut lacks becomes mail of its target, behind what is there (I7)
 *   outbox of an egress          the partition of the same number, under the numbers it has: the egress remembers
 *                                them by both, and so what has left after the cut. When there is no such partition
 *                                any more, an heir keeps an outbox in its name. In a fork, which no egress knows:
 *                                one that has the partition's place, under numbers
 *                                of the incarnation before the new one: they leave first
 *   position of a source         the partition that reads the source
 *   position of an outbox        with the outbox; those of peers and channels begin anew
 *   dead                         the owner of the address it names, else the reader of its source
 *   specs                        all
 */
import { unreachable } from "../base/assert.ts";
import { StatefoldError } from "../base/errors.ts";
import type { Address } from "../model/address.ts";
import { firstNumberOf } from "../model/outbox-number.ts";
import { CALL_TYPE, ownerOf, partitionOfSource } from "../model/owner.ts";
import {
  destinationOfPosition,
  egressDestination,
  heirDestination,
  isTopicSource,
  KeyReader,
  keyOf,
  outboxSource,
  partitionDestination,
  peerSource,
  placeOfDestination,
  TAGS,
  type Tag,
} from "../store/keys.ts";
import { decodeDead } from "../store/records/dead.ts";
import { encodeMessage } from "../store/records/message.ts";
import { encodeMeta } from "../store/records/meta.ts";
import {
  decodeOutbox,
  type EgressEffect,
  effectBytes,
  encodeOutbox,
  type OutboxEffect,
} from "../store/records/outbox.ts";
import { decodePosition, encodePosition } from "../store/records/position.ts";
import { decodeSpecs } from "../store/records/specs.ts";
import { decodeTimer } from "../store/records/timer.ts";
import type { PartitionShare } from "./manifest.ts";
import { RestoredSpecs } from "./restored-specs.ts";
import type { Place, RestoredStore } from "./restored-store.ts";

const TAG_OF = new Map<number, Tag>((Object.keys(TAGS) as Tag[]).map((tag) => [TAGS[tag], tag]));

export interface PlacementOptions {
  readonly shares: readonly PartitionShare[];
  readonly stores: readonly RestoredStore[];
  readonly incarnation: number;
  /** Of another name: egresses know nothing of it. */
  readonly isFork: boolean;
  /** Default: no egress has any. Asked in a fork: who keeps its numbers is known by them. */
  readonly taken?: TakenRecord | undefined;
}

/** Whether an egress has this record, which a partition gave this number. */
export type TakenRecord = (
  egress: string,
  partition: number,
  number: number,
  record: EgressEffect,
) => boolean;

/** What became of what. */
export interface PlacementCounts {
  /** Were on their way between partitions. */
  inFlight: number;
  /** Records for egresses that go out under new numbers: the original's egresses may have some of them. */
  renumbered: number;
  /** Records of a fork that its topic log has already. */
  published: number;
}

export class Placement {
  readonly counts: PlacementCounts = { inFlight: 0, renumbered: 0, published: 0 };
  readonly #options: PlacementOptions;
  readonly #specs: RestoredSpecs;
  /** Of egresses under new numbers: the next one, by destination and partition. */
  readonly #nextNumbers = new Map<string, number>();

  constructor(options: PlacementOptions) {
    this.#options = options;
    this.#specs = new RestoredSpecs(options.stores);
  }

  /** Takes the entries of one partition's cut, in the order of their keys. */
  share(partition: number): SharePlacement {
    return new SharePlacement(
      this.#options,
      partition,
      this.counts,
      this.#specs,
      this.#nextNumbers,
    );
  }

  /** After all shares. */
  end(): void {
    this.#specs.end();
    for (const [name, next] of this.#nextNumbers) {
      const at = name.indexOf("/");
      const store = this.#options.stores[Number(name.slice(0, at))];
      const source = name.slice(at + 1);
      store?.put(keyOf("position", source), encodePosition(source, next));
    }
  }
}

export class SharePlacement {
  readonly #options: PlacementOptions;
  readonly #from: number;
  readonly #share: PartitionShare | undefined;
  readonly #counts: PlacementCounts;
  readonly #specs: RestoredSpecs;
  readonly #nextNumbers: Map<string, number>;
  readonly #seen: Record<Place, number> = { mail: 0, timers: 0, outbox: 0, dead: 0 };
  /** By receiver: the next number that must come, of messages that it lacks. */
  readonly #expected = new Map<number, number>();
  #hasMeta = false;

  constructor(
    options: PlacementOptions,
    from: number,
    counts: PlacementCounts,
    specs: RestoredSpecs,
    nextNumbers: Map<string, number>,
  ) {
    this.#options = options;
    this.#from = from;
    this.#share = options.shares[from];
    this.#counts = counts;
    this.#specs = specs;
    this.#nextNumbers = nextNumbers;
  }

  get #count(): number {
    return this.#options.stores.length;
  }

  get #keepsPartitions(): boolean {
    return this.#options.shares.length === this.#count;
  }

  #store(partition: number): RestoredStore {
    const store = this.#options.stores[partition];
    if (store === undefined) throw this.#wrong(`it belongs to partition ${partition}`);
    return store;
  }

  /** The partition whose books this one's are continued in. */
  get #heir(): RestoredStore {
    return this.#store(this.#from % this.#count);
  }

  #ownerOf(address: Address): RestoredStore {
    const owner = ownerOf(address, this.#count);
    if (owner === undefined) throw this.#wrong(`nobody owns ${address.type}/${address.id}`);
    return this.#store(owner);
  }

  #wrong(what: string): StatefoldError {
    const text = `the snapshot holds an entry of partition ${this.#from} that cannot be: ${what}`;
    return new StatefoldError("SNAPSHOT_CORRUPT", text);
  }

  take(key: Uint8Array, value: Uint8Array): void {
    const tag = TAG_OF.get(key[0] ?? 0);
    const reader = new KeyReader(key);
    switch (tag) {
      case "meta":
        return this.#meta(value);
      case "state":
      case "once":
      case "parked":
        return this.#ownerOf(addressIn(reader)).put(key, value);
      case "mail":
        return this.#mail(addressIn(reader), reader.number(), value);
      case "call":
        return this.#ownerOf({ type: CALL_TYPE, id: reader.text() }).put(key, value);
      case "timer":
        return this.#timer(reader.number(), reader.number(), value);
      case "token":
        return; // made again from its timer
      case "expiry":
        return this.#expiry(key, reader, value);
      case "outbox":
        return this.#outbox(reader.text(), reader.number(), value);
      case "position":
        return this.#position(key, reader.text(), value);
      case "dead":
        return this.#dead(reader.number(), value);
      case "specs":
        return this.#specs.add(decodeSpecs(value));
      case undefined:
        throw this.#wrong(`no tag that is known is ${key[0]}`);
      default:
        return unreachable(tag);
    }
  }

  /** I4: what was read is what the partition counted as it was cut. I7: nothing between two of them is lost. */
  end(): void {
    const share = this.#share;
    if (share === undefined || !this.#hasMeta) throw this.#wrong("its own record is missing");
    const { meta, positions } = share;
    for (const place of ["mail", "timers", "outbox", "dead"] as const) {
      if (this.#seen[place] === meta[place]) continue;
      throw this.#wrong(`${this.#seen[place]} messages in ${place}, and it counts ${meta[place]}`);
    }
    const sum = meta.finished + meta.mail + meta.timers + meta.outbox + meta.dead;
    if (sum !== meta.accepted) throw this.#wrong(`${meta.accepted} accepted, ${sum} there`);
    this.#heir.finish(meta.finished);
    // Numbers may have jumped since, where epochs were lost.
    if (this.#options.shares.some((each) => each.meta.incarnation > 0)) return;
    for (const to of this.#options.shares.keys()) {
      const next = positions.get(`outbox:${partitionDestination(to)}`) ?? 1;
      const come = this.#expected.get(to) ?? this.#received(to);
      if (come === next) continue;
      throw this.#wrong(
        `of its messages to partition ${to} those from ${come} to ${next} are lost`,
      );
    }
  }

  #meta(value: Uint8Array): void {
    this.#hasMeta = true;
    const said = this.#share === undefined ? value : encodeMeta(this.#share.meta);
    if (Buffer.compare(said, value) !== 0)
      throw this.#wrong("its own record is not the manifest's");
  }

  #mail(address: Address, sequence: number, value: Uint8Array): void {
    this.#seen.mail++;
    const store = this.#ownerOf(address);
    store.count("mail", 1);
    store.put(keyOf("mail", address.type, address.id, store.sequence(sequence)), value);
  }

  #timer(dueMs: number, before: number, value: Uint8Array): void {
    this.#seen.timers++;
    const { sender, message, token } = decodeTimer(value);
    const store = this.#ownerOf(sender ?? message.target);
    const key = keyOf("timer", dueMs, store.sequence(before));
    store.count("timers", 1);
    store.put(key, value);
    if (sender === undefined || token === "") return;
    store.put(keyOf("token", sender.id, token), key.subarray(1));
  }

  #expiry(key: Uint8Array, reader: KeyReader, value: Uint8Array): void {
    reader.number();
    const kind = reader.text();
    const named = new KeyReader(reader.rest());
    const owner = kind === "call" ? { type: CALL_TYPE, id: named.text() } : addressIn(named);
    this.#ownerOf(owner).put(key, value);
  }

  #dead(before: number, value: Uint8Array): void {
    this.#seen.dead++;
    const { address, source } = decodeDead(value);
    const store = this.#keepsPartitions ? this.#heir : this.#graveOf(address, source);
    store.count("dead", 1);
    store.put(keyOf("dead", store.sequence(before)), value);
  }

  #graveOf(address: Address | undefined, source: string): RestoredStore {
    const owner = address === undefined ? undefined : ownerOf(address, this.#count);
    if (owner !== undefined) return this.#store(owner);
    const reader = partitionOfSource(source.slice(0, source.lastIndexOf("@")), this.#count);
    return Number.isNaN(reader) ? this.#heir : this.#store(reader);
  }

  #position(key: Uint8Array, source: string, value: Uint8Array): void {
    if (isTopicSource(source)) {
      const reader = this.#keepsPartitions ? this.#from : partitionOfSource(source, this.#count);
      return this.#store(reader).put(key, value);
    }
    const destination = destinationOfPosition(source);
    if (destination === undefined || this.#options.isFork) return;
    const place = placeOfDestination(destination);
    if (place.kind !== "egress") return;
    const { next } = decodePosition(value);
    const kept = this.#keptIn(place.heirOf ?? this.#from, place.egress);
    const name = outboxSource(kept.destination);
    kept.store.put(keyOf("position", name), encodePosition(name, next));
  }

  /** Where an outbox goes on under the numbers of a partition. */
  #keptIn(partition: number, egress: string) {
    const isThere = partition < this.#count;
    const store = this.#store(partition % this.#count);
    const destination = isThere ? egressDestination(egress) : heirDestination(partition, egress);
    return { store, destination };
  }

  /** The first number of this partition that another's cut lacks. */
  #received(partition: number): number {
    return this.#options.shares[partition]?.positions.get(peerSource(this.#from)) ?? 1;
  }

  #outbox(destination: string, first: number, value: Uint8Array): void {
    const effects = decodeOutbox(value);
    this.#seen.outbox += effects.length;
    const place = placeOfDestination(destination);
    if (place.kind === "egress") {
      const from = place.heirOf ?? this.#from;
      if (this.#options.isFork) return this.#renumbered(from, place.egress, first, effects);
      const kept = this.#keptIn(from, place.egress);
      kept.store.put(keyOf("outbox", kept.destination, first), value);
      return count(kept.store, effects);
    }
    const received = this.#received(place.partition);
    for (const [i, effect] of effects.entries()) {
      if (first + i < received) this.#heir.finish(1);
      else this.#inFlight(effect);
    }
    const expected = this.#expected.get(place.partition) ?? received;
    const isNext = first <= expected;
    if (isNext) this.#expected.set(place.partition, Math.max(expected, first + effects.length));
  }

  #inFlight(effect: OutboxEffect): void {
    if (effect.kind !== "message") throw this.#wrong("a record is on its way to a partition");
    const { message } = effect;
    const { type, id } = message.target;
    const store = this.#ownerOf(message.target);
    this.#counts.inFlight++;
    store.count("mail", 1);
    store.put(keyOf("mail", type, id, store.lateSequence()), encodeMessage(message));
  }

  /** In a fork, as the partition's that has its place; but what its log has is done. */
  #renumbered(from: number, egress: string, before: number, all: readonly OutboxEffect[]): void {
    const { taken } = this.#options;
    const effects = all.filter((effect, i) => {
      return effect.kind !== "record" || taken?.(egress, from, before + i, effect.record) !== true;
    });
    const done = all.length - effects.length;
    this.#heir.finish(done);
    this.#counts.published += done;
    if (effects.length === 0) return;
    this.#counts.renumbered += effects.length;
    const partition = from % this.#count;
    const destination = egressDestination(egress);
    const name = `${partition}/${outboxSource(destination)}`;
    const first = this.#nextNumbers.get(name) ?? firstNumberOf(this.#options.incarnation - 1);
    this.#nextNumbers.set(name, first + effects.length);
    const store = this.#store(partition);
    store.put(keyOf("outbox", destination, first), encodeOutbox(effects));
    count(store, effects);
  }
}

function count(store: RestoredStore, effects: readonly OutboxEffect[]): void {
  store.count("outbox", effects.length);
  store.countOutboxBytes(effects.reduce((sum, each) => sum + effectBytes(each), 0));
}

function addressIn(reader: KeyReader): Address {
  return { type: reader.text(), id: reader.text() };
}
