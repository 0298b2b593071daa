/**
 * Nobody is passed over in line (I6), seen from outside at the end of each turn of one life of a partition:
 * while an address waits, each other one that stands for itself, and each function that told many others,
 * has one turn at most. Those that the same function told take turns among themselves.
 */

import assert from "node:assert/strict";
import { addressKey } from "../../src/model/address.ts";
import { CALL_TYPE } from "../../src/model/owner.ts";
import type { CircuitState } from "../../src/partition/circuit.ts";
import type { Mailbox, MailboxPhase } from "../../src/partition/mailbox.ts";
import type { Partition } from "../../src/partition/partition.ts";

/** The addresses of a function type, and its circuit. */
interface Line {
  readonly state: CircuitState;
  /** Each wait is a phase of its own. */
  readonly ready: Map<MailboxPhase, Wait>;
  readonly busy: Map<string, Busy>;
  /** Taken from the line, perhaps, and told to wait for a commit. */
  readonly putOff: Map<string, Busy>;
  readonly parked: Set<string>;
}

interface Busy {
  readonly phase: MailboxPhase;
  readonly place: Place;
}

/** Whom an address stands for: itself, or who sent it what it waits with. */
interface Place {
  readonly key: string;
  /** Undefined when that is nobody, or nobody knows. */
  readonly sender: string | undefined;
}

class Wait {
  readonly place: Place;
  /** Turns of its own sender while it waits. */
  #ownTurns = 0;
  readonly #turnsOf = new Map<string, number>();
  readonly #companions = new Set<string>();

  constructor(place: Place) {
    this.place = place;
  }

  /** What had its turn, or was put off, in one and the same turn of the partition, in whatever order. */
  passedBy(others: readonly Place[], putOff: readonly Place[]): void {
    for (const { sender } of [...others, ...putOff]) if (this.#isOwn(sender)) this.#ownTurns++;
    for (const { key, sender } of others) {
      if (this.#isOwn(sender)) {
        assert(!this.#companions.has(key), `I6: ${key} has a second turn before ${this.place.key}`);
        this.#companions.add(key);
      } else {
        const by = sender === undefined ? key : `what ${sender} sent`;
        this.#turnsOf.set(by, (this.#turnsOf.get(by) ?? 0) + 1);
      }
    }
    for (const [by, turns] of this.#turnsOf) {
      const message = `I6: ${by} had ${turns} turns while ${this.place.key} waits`;
      assert(turns <= this.#ownTurns + 1, message);
    }
  }

  #isOwn(sender: string | undefined): boolean {
    return sender !== undefined && sender === this.place.sender;
  }
}

export class Lines {
  readonly #partition: Partition;
  /** At the end of the turn before, by function type. */
  #lines = new Map<string, Line>();

  constructor(partition: Partition) {
    this.#partition = partition;
  }

  after(): void {
    const { delivery, mailboxes } = this.#partition;
    const lines = new Map<string, Line>();
    for (const { type, circuit } of delivery.lanes()) {
      const { state } = circuit;
      const [busy, putOff] = [new Map(), new Map()];
      lines.set(type, { state, ready: new Map(), busy, putOff, parked: new Set() });
    }
    for (const mailbox of mailboxes.values()) {
      const { phase, key } = mailbox;
      const { type } = mailbox.address;
      const line = lines.get(type);
      if (phase.kind === "ready") {
        const known = this.#lines.get(type)?.ready.get(phase);
        line?.ready.set(phase, known ?? new Wait(placeOf(mailbox)));
      }
      if (phase.kind === "preparing" || phase.kind === "running") {
        line?.busy.set(key, { phase, place: placeOf(mailbox) });
      }
      if (phase.kind === "awaitingCommit")
        line?.putOff.set(key, { phase, place: placeOf(mailbox) });
      if (phase.kind === "parked") line?.parked.add(key);
    }
    for (const [type, line] of lines) {
      const before = this.#lines.get(type);
      if (before === undefined) continue;
      checkProbe(type, line, before);
      const served = servedIn(line, before);
      const putOff = [...line.putOff]
        .filter(([key, { phase }]) => phase !== before.putOff.get(key)?.phase)
        .map(([, { place }]) => place);
      for (const [phase, wait] of line.ready) {
        if (before.ready.has(phase)) wait.passedBy(served, putOff);
      }
    }
    this.#lines = lines;
  }
}

/** While a circuit probes, nobody is called but the probe. (What a person skips is looked at, not called.) */
function checkProbe(type: string, { state, busy }: Line, before: Line): void {
  if (state.kind !== "probing" || before.state.kind === "closed") return;
  const most = state === before.state ? 0 : 1;
  const begun = [...busy.keys()].filter((key) => !before.busy.has(key) && !before.parked.has(key));
  assert(begun.length <= most, `I6: ${begun.length} of ${type} are called beside the probe`);
}

/** Who was taken from the line in this turn: called, or its state is read first. */
function servedIn(line: Line, before: Line): Place[] {
  const waited = new Map([...before.ready.values()].map(({ place }) => [place.key, place]));
  const served: Place[] = [];
  for (const [key, { phase, place }] of line.busy) {
    const earlier = before.busy.get(key)?.phase;
    const isCalled = earlier?.kind === "preparing" && phase.kind === "running";
    if (phase === earlier || isCalled || before.parked.has(key)) continue;
    served.push(waited.get(key) ?? place);
  }
  return served;
}

function placeOf({ key, caller }: Mailbox): Place {
  const isFunction = caller !== undefined && caller.type !== CALL_TYPE;
  return { key, sender: isFunction ? addressKey(caller) : undefined };
}
