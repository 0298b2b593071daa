/**
 * A ring of tokens that are handed on for ever: at once, later, or over a topic that the application itself reads. Each
 * is somewhere, once, at any time; and each of its hops is counted where it was made. So whatever is restored
 * can be held to this: every token is there once, their values add up, and as many hops were made as were
 * counted.
 */
import assert from "node:assert/strict";
import { io } from "@statefold/sdk/protocol";
import { logHolds } from "../../../src/egress/log-holds.ts";
import { KAFKA_PRODUCER_RECORD } from "../../../src/egress/producer-record.ts";
import { logSourceName } from "../../../src/ingress/log.ts";
import type { TopicLog } from "../../../src/log/topic-log.ts";
import type { Address } from "../../../src/model/address.ts";
import type { Invocation, Outcome } from "../../../src/model/invocation.ts";
import { ownerOf, partitionOfSource } from "../../../src/model/owner.ts";
import { decodeStateEntry } from "../../../src/model/persisted-value.ts";
import type { TypedValue } from "../../../src/model/typed-value.ts";
import { KeyReader, keyOf, placeOfDestination } from "../../../src/store/keys.ts";
import { decodeDead } from "../../../src/store/records/dead.ts";
import { decodeMessage } from "../../../src/store/records/message.ts";
import { decodeOutbox } from "../../../src/store/records/outbox.ts";
import { decodePosition } from "../../../src/store/records/position.ts";
import { decodeState } from "../../../src/store/records/state.ts";
import { decodeTimer } from "../../../src/store/records/timer.ts";
import { readAll } from "../../log/support.ts";
import { at, EGRESS, effects, spec, textOf, value } from "../../partition/harness.ts";
import type { Rng } from "../../support/rng.ts";
import { under } from "../audit.ts";
import type { SimDisk } from "../disk.ts";

export const TOPIC = "loop";
export const INGRESS = "test/in";
const ADDRESSES = 12;

export interface Token {
  readonly name: string;
  readonly worth: number;
  readonly hops: number;
}

export const newTokens = (rng: Rng, count: number): Token[] =>
  Array.from({ length: count }, (_, i) => ({ name: `t${i}`, worth: rng.int(100), hops: 0 }));

export const idOf = (rng: Rng): string => `id-${rng.int(ADDRESSES)}`;

export const textOfToken = (token: Token): string => JSON.stringify(token);

const tokenOf = (typed: TypedValue): Token => JSON.parse(textOf(typed).trim());

/** What a function does with those it gets: each goes on, somehow. */
export function handOn(rng: Rng, { state, messages }: Invocation): Outcome {
  const [entry] = state;
  if (entry === undefined) return { kind: "incomplete", missing: [spec("n")] };
  const before = decodeStateEntry(entry).value;
  const count = before.hasValue ? Number(textOf(before)) : 0;
  const all = messages.map((message) => goOn(rng, tokenOf(message.value)));
  const outcome = effects({
    messages: all.flatMap(({ messages: sent = [] }) => sent),
    delayed: all.flatMap(({ delayed = [] }) => delayed),
    egress: all.flatMap(({ egress = [] }) => egress),
    mutations: [{ name: "n", value: value(String(count + all.length)) }],
  });
  return { kind: "reply", effects: outcome };
}

function goOn(rng: Rng, token: Token): Parameters<typeof effects>[0] {
  const text = textOfToken({ ...token, hops: token.hops + 1 });
  const target = at(idOf(rng));
  const way = rng.int(10);
  if (way < 5) {
    return { messages: [{ target, value: value(text.padEnd(rng.pick([10, 400]))) }] };
  }
  if (way < 6) {
    const delayMs = rng.pick([0, 50, 500]);
    const delayed = { kind: "send", target, value: value(text), delayMs, token: "" } as const;
    return { delayed: [delayed] };
  }
  const record = { topic: TOPIC, key: target.id, valueBytes: Buffer.from(text) };
  const bytes = io.statefun.sdk.egress.KafkaProducerRecord.encode(record).finish();
  const typed = { typename: KAFKA_PRODUCER_RECORD, hasValue: true, value: bytes };
  return { egress: [{ egress: EGRESS, value: typed }] };
}

/** Looks at everything that partitions and their log hold together, while nobody works on it. */
export async function checkTokens(
  disks: readonly SimDisk[],
  log: TopicLog,
  expected: readonly Token[],
  what: string,
): Promise<void> {
  const found = [
    ...heldBy(disks),
    ...(await inOutboxes(disks, log)),
    ...(await unread(disks, log)),
  ];
  const places = new Map<string, string>();
  for (const { token, place } of found) {
    const other = places.get(token.name);
    assert(other === undefined, `I7: ${token.name} is in ${other} and in ${place}, ${what}`);
    places.set(token.name, place);
  }
  for (const { name } of expected) assert(places.has(name), `I7: ${name} is lost, ${what}`);
  const worth = (tokens: readonly Token[]): number => tokens.reduce((n, one) => n + one.worth, 0);
  const tokens = found.map(({ token }) => token);
  assert.equal(worth(tokens), worth(expected), `I7: what tokens are worth together, ${what}`);
  const hops = tokens.reduce((sum, token) => sum + token.hops, 0);
  assert.equal(hops, visitsOn(disks), `I7: hops that were made, and counted, ${what}`);
}

interface Found {
  readonly token: Token;
  readonly place: string;
}

function heldBy(disks: readonly SimDisk[]): Found[] {
  return disks.flatMap((disk, p) => {
    for (const { value: bytes } of under(disk, "dead")) {
      assert.fail(`nothing dies: ${decodeDead(bytes).reason}`);
    }
    const mail = under(disk, "mail").map((entry) => decodeMessage(entry.value));
    const timers = under(disk, "timer").map((entry) => decodeTimer(entry.value).message);
    return [...mail, ...timers].map((message) => {
      checkOwner(message.target, p, disks.length, timers.includes(message));
      return { token: tokenOf(message.value), place: `partition ${p} as ${message.id}` };
    });
  });
}

/** A delayed message lies with its sender. */
function checkOwner(target: Address, p: number, count: number, isDelayed: boolean): void {
  if (!isDelayed) assert.equal(ownerOf(target, count), p, `${target.id} lies in partition ${p}`);
}

/** What the log does not hold yet, or its receiver. */
async function inOutboxes(disks: readonly SimDisk[], log: TopicLog): Promise<Found[]> {
  const holds = await logHolds(log);
  return disks.flatMap((disk, p) =>
    under(disk, "outbox").flatMap((entry) => {
      const reader = new KeyReader(entry.key);
      const place = placeOfDestination(reader.text());
      assert(place.kind === "egress", "a restored partition has nothing on its way to another");
      const first = reader.number();
      const { egress, heirOf: from = p } = place;
      return decodeOutbox(entry.value).flatMap((effect, i): Found[] => {
        assert(effect.kind === "record");
        const { record } = effect;
        if (holds(egress, from, first + i, record)) return [];
        const bytes = io.statefun.sdk.egress.KafkaProducerRecord.decode(record.value.value);
        const token = JSON.parse(Buffer.from(bytes.valueBytes).toString());
        return [{ token, place: `the outbox of partition ${from} in ${p} as ${first + i}` }];
      });
    }),
  );
}

async function unread(disks: readonly SimDisk[], log: TopicLog): Promise<Found[]> {
  const topic = log.find(TOPIC);
  const found: Found[] = [];
  for (let k = 0; k < (topic?.partitionCount ?? 0); k++) {
    const partition = await topic?.partition(k);
    if (partition === undefined) continue;
    const source = logSourceName(INGRESS, TOPIC, k);
    const [bytes] =
      disks[partitionOfSource(source, disks.length)]?.read([keyOf("position", source)]) ?? [];
    const next = bytes === undefined ? 0 : decodePosition(bytes).next;
    assert(next <= partition.endOffset, `I5: ${source} was read to ${next}, and ends before`);
    for (const { offset, value: record } of await readAll(partition)) {
      if (offset < next || record === undefined) continue;
      found.push({
        token: JSON.parse(Buffer.from(record).toString()),
        place: `${source}@${offset}`,
      });
    }
  }
  return found;
}

function visitsOn(disks: readonly SimDisk[]): number {
  let sum = 0;
  for (const disk of disks) {
    for (const { value: bytes } of under(disk, "state")) {
      const entry = decodeState(bytes).entries.get("n");
      if (entry !== undefined) sum += Number(textOf(decodeStateEntry(entry).value));
    }
  }
  return sum;
}
