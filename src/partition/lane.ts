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

  constructor(type: string, binding: FunctionBinding, random: Random) {
    this.type = type;
    this.binding = binding;
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

  /** The next address that may be called now. */
  next(nowMs: number): Mailbox | undefined {
    if (this.running >= this.binding.concurrency || !this.circuit.admits(nowMs)) return undefined;
    for (let next = this.#ready.shift(); next !== undefined; next = this.#ready.shift()) {
      if (next.phase.kind !== "ready") continue; // parked or emptied meanwhile
      this.running++;
      this.circuit.started();
      return next;
    }
    return undefined;
  }
}
