/**
 * One function type's share of a partition: its addresses that are ready, in line, and how many may be
 * called at once.
 *
 * I6: types do not wait for each other; an address that has been served goes to the end of the line; and
 * addresses that have mail of one and the same function instance stand in line as one, taking turns among
 * themselves: whoever tells ten thousand others at once keeps those waiting, and nobody else.
 */

import type { Random } from "../base/backoff.ts";
import { Queue } from "../base/queue.ts";
import { addressKey } from "../model/address.ts";
import { CALL_TYPE } from "../model/owner.ts";
import { Circuit } from "./circuit.ts";
import { Mailbox } from "./mailbox.ts";
import type { FunctionBinding } from "./ports.ts";

/** Addresses whose next message is from the same function instance: mostly one, and no others. */
interface Group {
  readonly sender: string;
  first: Mailbox;
  /** Behind the first, once there were any. */
  rest: Queue<Mailbox> | undefined;
}

export class Lane {
  readonly type: string;
  readonly binding: FunctionBinding;
  readonly circuit: Circuit;
  /** Invocations in preparation or in flight. */
  running = 0;
  readonly #line = new Queue<Mailbox | Group>();
  /** Those in the line, by their sender. */
  readonly #groups = new Map<string, Group>();
  #ready = 0;
  readonly #maxBytes: number;
  /** Of the invocations in flight: how many, and what their requests carry. */
  #inFlight = 0;
  #bytesInFlight = 0;
  /** What the last request carried: the best guess for those in preparation. */
  #lastBytes = 0;

  constructor(
    type: string,
    binding: FunctionBinding,
    random: Random,
    maxBytes = Number.POSITIVE_INFINITY,
  ) {
    this.type = type;
    this.binding = binding;
    this.#maxBytes = maxBytes;
    this.circuit = new Circuit(random);
  }

  /** Addresses in line. */
  get ready(): number {
    return this.#ready;
  }

  /** Nothing would be lost with it. */
  get isIdle(): boolean {
    return this.running === 0 && this.#ready === 0 && this.circuit.isUntroubled;
  }

  enqueue(mailbox: Mailbox): void {
    mailbox.phase = { kind: "ready" };
    this.#ready++;
    const sender = senderOf(mailbox);
    if (sender === undefined) return this.#line.push(mailbox);
    const group = this.#groups.get(sender);
    if (group !== undefined) {
      group.rest ??= new Queue();
      return group.rest.push(mailbox);
    }
    const founded = { sender, first: mailbox, rest: undefined };
    this.#groups.set(sender, founded);
    this.#line.push(founded);
  }

  /** A request that carries so much has left. */
  started(bytes: number): void {
    this.#inFlight++;
    this.#bytesInFlight += bytes;
    this.#lastBytes = bytes;
  }

  /** It has been answered, or given up. */
  ended(bytes: number): void {
    this.#inFlight--;
    this.#bytesInFlight -= bytes;
  }

  /** Another request may leave beside those in flight; one may at any time. */
  get hasRoom(): boolean {
    const expected = (this.running - this.#inFlight) * this.#lastBytes;
    return this.running === 0 || this.#bytesInFlight + expected < this.#maxBytes;
  }

  /** The next address that may be called now. */
  next(nowMs: number): Mailbox | undefined {
    if (this.running >= this.binding.concurrency || !this.hasRoom) return undefined;
    if (!this.circuit.admits(nowMs)) return undefined;
    for (let first = this.#line.shift(); first !== undefined; first = this.#line.shift()) {
      const next = first instanceof Mailbox ? this.#stillReady(first) : this.#member(first);
      if (next === undefined) continue;
      this.running++;
      this.circuit.started();
      return next;
    }
    return undefined;
  }

  /** The first member that is still ready: one that is not takes no turn from the others. */
  #member(group: Group): Mailbox | undefined {
    for (;;) {
      const found = this.#stillReady(group.first);
      const next = group.rest?.shift();
      if (next === undefined) {
        this.#groups.delete(group.sender);
        return found;
      }
      group.first = next;
      if (found === undefined) continue;
      this.#line.push(group);
      return found;
    }
  }

  #stillReady(mailbox: Mailbox): Mailbox | undefined {
    this.#ready--;
    return mailbox.phase.kind === "ready" ? mailbox : undefined; // else parked or emptied meanwhile
  }
}

/** Undefined for mail from outside, or on disk alone from whom nobody remembers: it stands in line for itself. */
function senderOf({ caller }: Mailbox): string | undefined {
  return caller === undefined || caller.type === CALL_TYPE ? undefined : addressKey(caller);
}
