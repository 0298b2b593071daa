/**
 * Real partitions whose addresses hand tokens on: each token makes so many hops, each hop is told to an
 * egress, and each address counts. Everything that can be on its way at a cut is: mail, messages between
 * partitions, delayed ones, records, parked mail, dead letters. A seed draws what happens next.
 */
import assert from "node:assert/strict";
import { unreachable } from "../../src/base/assert.ts";
import type { Message } from "../../src/model/message.ts";
import { ownerOf, partitionOfSource } from "../../src/model/owner.ts";
import { decodeStateEntry } from "../../src/model/persisted-value.ts";
import { peerInput } from "../../src/partition/peers.ts";
import type { Input, Release, Turn } from "../../src/partition/ports.ts";
import type { PartitionCut, SnapshotPartitions } from "../../src/snapshot/cut.ts";
import { egressDestination, heirDestination, keyOf } from "../../src/store/keys.ts";
import { decodeParked } from "../../src/store/records/parked.ts";
import { decodePosition } from "../../src/store/records/position.ts";
import { decodeState } from "../../src/store/records/state.ts";
import {
  at,
  binding,
  EGRESS,
  effects,
  Harness,
  spec,
  TYPE,
  textOf,
  value,
} from "../partition/harness.ts";
import { under } from "../sim/audit.ts";
import type { SimDisk } from "../sim/disk.ts";
import type { Rng } from "../support/rng.ts";

export const HOPS = 8;
const ADDRESSES = 25;
const SOURCES = 3;
const TOKENS_PER_SOURCE = 5;

export interface Hop {
  readonly token: string;
  readonly hop: number;
  readonly at: string;
}

interface Told {
  readonly partition: number;
  readonly number: number;
  readonly hop: Hop;
}

export class Ring implements SnapshotPartitions {
  readonly harnesses: Harness[] = [];
  onCut: (cut: PartitionCut) => void = () => {};
  /** What the egress has taken. */
  readonly told: Told[] = [];
  /** By barrier: the disks as they were. */
  readonly cuts = new Map<number, SimDisk[]>();
  /** Nothing fails any more. */
  isCured = false;
  readonly #rng: Rng;
  /** On their way, in order, by sender and receiver. */
  readonly #wires = new Map<string, { readonly to: number; readonly input: Input }[]>();

  private constructor(rng: Rng) {
    this.#rng = rng;
  }

  /** @param told what the egress remembers of a ring before */
  static async open(
    count: number,
    rng: Rng,
    disks: readonly SimDisk[] = [],
    { told = [], isHeld = false }: { told?: readonly Told[]; isHeld?: boolean } = {},
  ): Promise<Ring> {
    const ring = new Ring(rng);
    ring.told.push(...told);
    for (let partition = 0; partition < count; partition++) {
      const disk = disks[partition];
      const harness = await Harness.open({
        ...{ partition, partitionCount: count, snapshots: true, isHeld },
        functions: { [TYPE]: binding({ concurrency: 3, maxBatchMessages: 2 }) },
        limits: { outboxBytesInMemory: 1_000, mailBytesInMemory: 3_000 },
        ...(disk === undefined ? {} : { disk }),
      });
      ring.harnesses.push(harness);
      const turn = harness.turn.bind(harness);
      harness.turn = (...inputs) => ring.#seen(harness, turn(...inputs));
    }
    return ring;
  }

  get count(): number {
    return this.harnesses.length;
  }

  get barrier(): number {
    return Math.max(...this.harnesses.map(({ partition }) => partition.barrier.number));
  }

  announce(barrier: number): void {
    const told = this.#rng.shuffle(this.harnesses).slice(0, 1 + this.#rng.int(this.count));
    for (const harness of told) harness.partition.offer({ kind: "barrier", barrier });
  }

  completed(barrier: number): void {
    for (const { partition } of this.harnesses)
      partition.offer({ kind: "snapshotComplete", barrier });
  }

  #seen(harness: Harness, turn: Turn): Turn {
    if (turn.cut === undefined) return turn;
    const { barrier, changes } = turn.cut;
    const cuts = this.cuts.get(barrier) ?? [];
    this.cuts.set(barrier, cuts);
    cuts[harness.index] = harness.disk.copy();
    const snapshot = harness.disk.snapshot();
    this.onCut({ partition: harness.index, barrier, changes, snapshot });
    return turn;
  }

  /** Something happens, somewhere. */
  step(): void {
    const harness = this.#rng.pick(this.harnesses);
    switch (this.#rng.int(7)) {
      case 0:
        return void (harness.read !== undefined && harness.answerRead());
      case 1:
        return void (harness.commit !== undefined && harness.completeCommit());
      case 2:
        return this.#answer(harness);
      case 3:
        return this.#carry();
      case 4:
        harness.nowMs += this.#rng.pick([1, 20, 200]);
        return void harness.turn();
      case 5:
        return this.#feed();
      default:
        harness.turn();
        return this.#collect(harness);
    }
  }

  #answer(harness: Harness): void {
    const [started] = harness.started;
    if (started === undefined) return;
    const { invocation } = started;
    if (!this.isCured && this.#rng.chance(0.03)) return void harness.fail(invocation.target.id);
    const [entry] = invocation.state;
    if (entry === undefined) {
      const missing = [spec("n")];
      return void harness.answer({ kind: "incomplete", missing }, invocation.target.id);
    }
    const before = decodeStateEntry(entry).value;
    const count = before.hasValue ? Number(textOf(before)) : 0;
    const all = invocation.messages.map((message) => this.#hop(message));
    const mutations = [{ name: "n", value: value(String(count + all.length)) }];
    const outcome = effects({
      messages: all.flatMap(({ messages }) => messages),
      delayed: all.flatMap(({ delayed }) => delayed),
      egress: all.flatMap(({ egress }) => egress),
      mutations,
    });
    harness.answer({ kind: "reply", effects: outcome }, invocation.target.id);
  }

  #hop({ value: body, target }: Message) {
    const { token, hop } = JSON.parse(textOf(body).trim());
    const told: Hop = { token, hop, at: target.id };
    const egress = [{ egress: EGRESS, value: value(JSON.stringify(told)) }];
    if (hop >= HOPS) return { messages: [], delayed: [], egress };
    const next = value(JSON.stringify({ token, hop: hop + 1 }).padEnd(this.#rng.pick([30, 300])));
    const to = at(`id-${this.#rng.int(ADDRESSES)}`);
    const isDelayed = this.#rng.chance(0.3);
    const delayMs = this.#rng.pick([0, 50, 3_000]);
    const name = this.#rng.chance(0.5) ? `${token}/${hop}` : "";
    const dead = this.#rng.chance(0.05)
      ? [{ target: at("x", "nobody/home"), value: value("x") }]
      : [];
    const delayed = { kind: "send", target: to, value: next, delayMs, token: name } as const;
    return {
      messages: isDelayed ? dead : [{ target: to, value: next }, ...dead],
      delayed: isDelayed ? [delayed] : [],
      egress,
    };
  }

  /** A record of a source, to whoever reads it. */
  #feed(): void {
    const k = this.#rng.int(SOURCES);
    const source = `log/test/in/t/${k}`;
    const harness = this.harnesses[partitionOfSource(source, this.count)];
    const first = harness?.partition.positions.next(source) ?? 0;
    if (harness === undefined || first >= TOKENS_PER_SOURCE) return;
    const token = `${k}-${first}`;
    const to = at(`id-${this.#rng.int(ADDRESSES)}`);
    const body = { target: to, value: value(JSON.stringify({ token, hop: 0 })) };
    const records = [
      { position: first, messages: [{ ...body, headers: [], traceparent: undefined }] },
    ];
    harness.turn({ kind: "source", source, first, next: first + 1, records });
  }

  /** What was released goes on its way. */
  #collect(harness: Harness): void {
    for (const release of harness.released.splice(0)) this.#release(harness.index, release);
  }

  #release(from: number, release: Release): void {
    switch (release.kind) {
      case "channel":
      case "acknowledge":
      case "resume":
        return this.#send(from, release.to, peerInput(from, release));
      case "publish": {
        const { heirOf, first, records } = release;
        const partition = heirOf ?? from;
        for (const [i, record] of records.entries()) {
          const number = first + i;
          const isKnown = this.told.some((t) => t.partition === partition && t.number === number);
          const hop = JSON.parse(textOf(record.value));
          if (!isKnown) this.told.push({ partition, number, hop });
        }
        const upTo = first + records.length - 1;
        const own =
          heirOf === undefined ? egressDestination(EGRESS) : heirDestination(heirOf, EGRESS);
        return this.#send(-1, from, { kind: "acknowledged", destination: own, upTo });
      }
      case "accepted":
      case "replied":
      case "pending":
      case "unknownCall":
      case "refused":
      case "operated":
        return;
      default:
        return unreachable(release);
    }
  }

  #send(from: number, to: number, input: Input): void {
    const name = `${from}>${to}`;
    this.#wires.set(name, [...(this.#wires.get(name) ?? []), { to, input }]);
  }

  #carry(): void {
    const waiting = [...this.#wires.values()].filter((wire) => wire.length > 0);
    if (waiting.length === 0) return;
    const next = this.#rng.pick(waiting).shift();
    if (next !== undefined) this.harnesses[next.to]?.turn(next.input);
  }

  /** Until every token has made its hops. */
  finish(): void {
    this.isCured = true;
    for (let steps = 0; steps < 200_000; steps++) {
      if (steps % 500 === 0 && this.#clear()) return;
      this.step();
    }
    assert.fail("it never drains");
  }

  /** Operators set free what is parked. True: all is done. */
  #clear(): boolean {
    for (const harness of this.harnesses) {
      for (const { value: parked } of harness.stored("parked")) {
        const { address } = decodeParked(parked);
        harness.turn(harness.operator({ kind: "retryParked", address }));
      }
      harness.nowMs += 5_000;
      harness.turn();
    }
    const isFed = Array.from({ length: SOURCES }, (_, k) => `log/test/in/t/${k}`).every(
      (source) => {
        const owner = this.harnesses[partitionOfSource(source, this.count)];
        return owner?.partition.positions.durable(source) === TOKENS_PER_SOURCE;
      },
    );
    return (
      isFed &&
      this.harnesses.every(({ partition: { ledger, epochs } }) => {
        const isClean = !epochs.isCommitting && epochs.dirtySinceMs === undefined;
        return isClean && ledger.mail + ledger.timers + ledger.outbox === 0;
      })
    );
  }

  /** What each address has counted, as it is on the disks; each lies where it belongs. */
  counts(): ReadonlyMap<string, number> {
    const counts = new Map<string, number>();
    for (const { disk, index } of this.harnesses) {
      for (const { key, value: bytes } of under(disk, "state")) {
        const entry = decodeState(bytes).entries.get("n");
        const id = /id-\d+/.exec(Buffer.from(key).toString())?.[0] ?? "";
        assert.equal(ownerOf(at(id), this.count), index, `${id} lies in partition ${index}`);
        if (entry !== undefined) counts.set(id, Number(textOf(decodeStateEntry(entry).value)));
      }
    }
    return counts;
  }
}

/** What the egress had acknowledged to a partition as of its cut. */
export function toldBefore(told: readonly Told[], disks: readonly SimDisk[]): Hop[] {
  const destination = egressDestination(EGRESS);
  return told
    .filter(({ partition, number }) => {
      const disk = disks[partition];
      assert(disk !== undefined);
      const [position] = disk.read([keyOf("position", `outbox:${destination}`)]);
      const next = position === undefined ? 1 : decodePosition(position).next;
      const [first] = under(disk, "outbox").filter(({ key }) => {
        return Buffer.from(key).includes(destination);
      });
      const held =
        first === undefined
          ? next
          : Number(Buffer.from(first.key).readBigUInt64BE(first.key.byteLength - 8));
      return number < held;
    })
    .map(({ hop }) => hop);
}

/** Each token has made each of its hops once. */
export function checkHops(hops: readonly Hop[]): void {
  const seen = new Set<string>();
  for (const { token, hop } of hops) {
    const name = `${token}/${hop}`;
    assert(!seen.has(name), `${name} was made twice`);
    seen.add(name);
  }
  for (let k = 0; k < SOURCES; k++) {
    for (let i = 0; i < TOKENS_PER_SOURCE; i++) {
      for (let hop = 0; hop <= HOPS; hop++) {
        assert(seen.has(`${k}-${i}/${hop}`), `${k}-${i}/${hop} is lost`);
      }
    }
  }
}
