/**
 * One function type's share of a partition: its addresses that are ready, in line, and how many may be
 * called at once. Types do not wait for each other (I6), and an address that has been served goes to the
 * end of the line.
 */
import type { Random } from "../base/backoff.ts";
import { Queue } from "../base/queue.ts";
import { Circuit } from "./circuit.ts";
import type { Mailbox } from "./mailbox.ts";
import type { FunctionBinding } from "./ports.ts";

export class Lane {
  readonly type: string;
  readonly binding: FunctionBinding;
  readonly circuit: Circuit;
  /** Invocations in preparation or in flight. */
  running = 0;
  readonly #ready = new Queue<Mailbox>();
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

  get ready(): number {
    return this.#ready.size;
  }

  /** Nothing would be lost with it. */
  get isIdle(): boolean {
    return this.running === 0 && this.#ready.size === 0 && this.circuit.isUntroubled;
  }

  enqueue(mailbox: Mailbox): void {
    mailbox.phase = { kind: "ready" };
    this.#ready.push(mailbox);
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

  get #hasRoom(): boolean {
    const expected = (this.running - this.#inFlight) * this.#lastBytes;
    return this.running === 0 || this.#bytesInFlight + expected < this.#maxBytes;
  }

  /** The next address that may be called now. */
  next(nowMs: number): Mailbox | undefined {
    if (this.running >= this.binding.concurrency || !this.#hasRoom) return undefined;
    if (!this.circuit.admits(nowMs)) return undefined;
    for (let next = this.#ready.shift(); next !== undefined; next = this.#ready.shift()) {
      if (next.phase.kind !== "ready") continue; // parked or emptied meanwhile
      this.running++;
      this.circuit.started();
      return next;
    }
    return undefined;
  }
}
