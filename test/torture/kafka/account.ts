/**
 * The account between two topics: what stands in the one that was written, against the one that was read and
 * against every state. Each check adds what it finds wrong, in words.
 */
import { differs, groupBy, upTo } from "../lists.ts";
import {
  type Counts,
  idOf,
  type Kind,
  NOTHING,
  neighboursOf,
  sendsAgain,
  setsTimer,
  type Written,
} from "./messages.ts";

export interface Findings {
  readonly ids: number;
  /** What the orders of each id say, in the order of their topic. */
  readonly orders: ReadonlyMap<string, readonly number[]>;
  /** Those of each id in the order of their topic. */
  readonly written: readonly Written[];
  /** By function, `counter` or `mirror`, and id: `mirror i7`. */
  readonly states: ReadonlyMap<string, Counts>;
}

export function* drawAccount(findings: Findings): Generator<string> {
  const { ids, orders, written, states } = findings;
  const ofKind = groupBy(written, ({ kind, id }) => `${kind} ${id}`);
  const heardFrom = groupBy(
    written.filter(({ kind }) => kind === "heard"),
    ({ id, from }) => `${id} of ${from}`,
  );
  const ofAddress = groupBy(written, ({ kind, id }) => addressOf(kind, id));
  for (let i = 0; i < ids; i++) {
    const id = idOf(i);
    const ordered = orders.get(id) ?? [];
    const counts = upTo(ordered.length);
    const of = (kind: Kind) => ofKind.get(`${kind} ${id}`) ?? [];
    const numbers = (kind: Kind) => of(kind).map(({ n }) => n);
    yield* differs(`${id}: counted, against the orders`, numbers("counted"), ordered);
    yield* differs(`${id}: again`, numbers("again"), counts.filter(sendsAgain));
    const rung = numbers("rung").sort((a, b) => a - b);
    yield* differs(`${id}: rung`, rung, counts.filter(setsTimer));
    for (const neighbour of neighboursOf(id, ids)) {
      const heard = (heardFrom.get(`${neighbour} of ${id}`) ?? []).map(({ n }) => n);
      yield* differs(`${neighbour}: heard of ${id}`, heard, counts);
    }
    for (const kind of ["counted", "again", "rung", "heard"] as const) {
      const counted = of(kind).map(({ count }) => count);
      yield* differs(`${id}: counts of ${kind}`, counted, upTo(counted.length));
    }
    for (const address of [`counter ${id}`, `mirror ${id}`]) {
      const seqs = (ofAddress.get(address) ?? []).map(({ seq }) => seq);
      yield* differs(`${address}: records in order`, seqs, upTo(seqs.length));
      const state = states.get(address) ?? NOTHING;
      const isOf = (kind: Kind) => (addressOf(kind, id) === address ? of(kind).length : 0);
      const expected: Counts = {
        ...{ counted: isOf("counted"), again: isOf("again"), rung: isOf("rung") },
        ...{ heard: isOf("heard"), seq: seqs.length },
      };
      const [is, should] = [state, expected].map((each) => JSON.stringify(inOrder(each)));
      if (is !== should) yield `${address} has counted ${is}, the topic says ${should}`;
    }
  }
  const known = new Set(Array.from({ length: ids }, (_, i) => idOf(i)));
  for (const { id } of written)
    if (!known.has(id)) yield `a record of ${id}, which nobody asked for`;
}

const addressOf = (kind: Kind, id: string): string =>
  `${kind === "heard" ? "mirror" : "counter"} ${id}`;

const inOrder = ({ counted, again, rung, heard, seq }: Counts) => [
  counted,
  again,
  rung,
  heard,
  seq,
];
