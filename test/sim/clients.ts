/** Callers over HTTP, and the operator: they send, call, give up, ask again, and remember what they were told. */
import assert from "node:assert/strict";
import { unreachable } from "../../src/base/assert.ts";
import { callKey, onceKey } from "../../src/partition/calls.ts";
import { deadRange, readDeadKey } from "../../src/partition/dead-letters.ts";
import { parkedRange } from "../../src/partition/parking.ts";
import type { Input, Release } from "../../src/partition/ports.ts";
import { keyOf } from "../../src/store/keys.ts";
import { decodeMeta, decodeOnce, decodeParked } from "../../src/store/records.ts";
import type { Rng } from "../support/rng.ts";
import type { Root } from "./account.ts";
import { json } from "./functions.ts";
import type { Host } from "./host.ts";
import type { Programs, Step } from "./program.ts";
import type { Stage } from "./stage.ts";

/** A release that answers a request. */
export type Answer = Extract<Release, { readonly request: number }>;

interface Op {
  readonly step: Step;
  readonly kind: "send" | "call";
  readonly key: string | undefined;
  readonly delayMs: number;
  /** The runtime has promised that it will be done. */
  isCertain: boolean;
  isSettled: boolean;
  messageId: string | undefined;
  callId: string | undefined;
}

interface Pending {
  readonly host: Host;
  readonly op: Op | undefined;
}

export class Clients {
  readonly #rng: Rng;
  readonly #world: Stage;
  readonly #ops: Op[] = [];
  readonly #pending = new Map<number, Pending>();
  #requests = 0;
  #unborn: number;
  readonly #programs: Programs;

  constructor(parts: { rng: Rng; programs: Programs; world: Stage }) {
    this.#rng = parts.rng;
    this.#programs = parts.programs;
    this.#world = parts.world;
    this.#unborn = 5 + this.#rng.int(30);
  }

  start(): void {
    this.#next();
  }

  get isDone(): boolean {
    return this.#unborn === 0;
  }

  get isSettled(): boolean {
    return this.isDone && this.#pending.size === 0 && this.#ops.every((op) => op.isSettled);
  }

  roots(): Root[] {
    return this.#ops.map(({ step, isCertain }) => ({ step, isCertain }));
  }

  /** An operator at the end of the night: every parked address is retried, or loses its first message. */
  clearStuck(): void {
    for (const host of this.#world.hosts) {
      for (const entry of host.disk.list({ ...parkedRange(), limit: 1_000 })) {
        const { address } = decodeParked(entry.value);
        const kind = this.#rng.chance(0.7) ? "retryParked" : "skipParked";
        this.#submit(host, undefined, { kind: "operator", request: 0, verb: { kind, address } });
      }
    }
  }

  answered(host: Host, release: Answer): void {
    const pending = this.#pending.get(release.request);
    // Twice, or to nobody: the caller's connection is gone.
    if (pending === undefined || pending.host !== host) return;
    this.#pending.delete(release.request);
    const { op } = pending;
    if (op === undefined) return;
    checkDurable(host, op, release);
    switch (release.kind) {
      case "accepted":
        assert(op.kind === "send", "a call was answered as a send");
        if (op.messageId !== undefined) {
          assert.equal(release.messageId, op.messageId, "one idempotency key, two messages");
        }
        op.messageId = release.messageId;
        op.isCertain = true;
        op.isSettled = true;
        if (op.key !== undefined && this.#rng.chance(0.3)) this.#later(100, () => this.#send(op));
        return;
      case "replied": {
        const { label } = JSON.parse(Buffer.from(release.value.value).toString());
        assert.equal(label, op.step.label, "the reply of another call");
        op.isCertain = true;
        op.isSettled = true;
        if (op.key !== undefined && this.#rng.chance(0.3)) this.#later(100, () => this.#send(op));
        return;
      }
      case "pending":
        op.callId = release.callId;
        op.isCertain = true;
        op.isSettled = false;
        return this.#later(500, () => this.#fetch(op));
      case "unknownCall":
        return assert.fail(`the promised reply of ${op.step.label} is gone`);
      case "refused":
        return assert.fail(`${op.step.label} was refused: ${release.reason}`);
      case "operated":
        return assert.fail("a caller was answered as an operator");
      default:
        return unreachable(release);
    }
  }

  /** The host went down: its connections are cut. */
  lost(host: Host): void {
    for (const [request, { host: at, op }] of this.#pending) {
      if (at !== host) continue;
      this.#pending.delete(request);
      if (op === undefined) continue;
      if (op.callId !== undefined) this.#later(100, () => this.#fetch(op));
      else if (op.key !== undefined) this.#later(100, () => this.#send(op));
      else op.isSettled = true; // done or not: nobody told
    }
  }

  #next(): void {
    this.#later(60, () => {
      if (this.#rng.chance(0.1)) this.#meddle();
      const kind = this.#rng.chance(0.5) ? "call" : "send";
      const key = this.#rng.chance(0.3) ? `key-${this.#ops.length}` : undefined;
      const isDelayed = kind === "send" && this.#rng.chance(0.2);
      const op: Op = {
        step: this.#programs.root(),
        ...{ kind, key, delayMs: isDelayed ? this.#rng.int(500) : 0 },
        ...{ isCertain: false, isSettled: false, messageId: undefined, callId: undefined },
      };
      this.#ops.push(op);
      this.#send(op);
      if (--this.#unborn > 0) this.#next();
    });
  }

  #send(op: Op): void {
    const { step, kind, key } = op;
    const host = this.#world.ownerOf(step.target.id);
    const isBusy = host.partition === undefined || host.partition.isFull;
    if (isBusy) return this.#later(100, () => this.#send(op));
    // A client that does not wait: with the same key it may ask again at any time.
    if (key !== undefined && this.#rng.chance(0.3)) this.#later(20, () => this.#send(op));
    const value = json({ step, from: "", nth: 0 });
    const rest = { target: step.target, value, traceparent: undefined, headers: [] };
    const common = { ...rest, request: 0, idempotencyKey: key };
    if (kind === "send") {
      this.#submit(host, op, { kind, ...common, delayMs: op.delayMs });
      return;
    }
    const request = this.#submit(host, op, { kind, ...common });
    if (this.#rng.chance(0.4)) this.#giveUp(host, request, op);
  }

  #giveUp(host: Host, request: number, op: Op): void {
    const keep = op.key !== undefined || this.#rng.chance(0.6);
    this.#later(100, () => {
      if (this.#pending.get(request)?.host !== host) return;
      host.offer({ kind: "hangUp", request, keep });
      if (keep) return;
      this.#pending.delete(request);
      op.isSettled = true;
    });
  }

  #fetch(op: Op): void {
    const { callId } = op;
    assert(callId !== undefined);
    const host = this.#world.hosts[Number(callId.split("-")[0])];
    assert(host !== undefined);
    if (host.partition === undefined) return this.#later(100, () => this.#fetch(op));
    this.#submit(host, op, { kind: "fetch", request: 0, callId });
  }

  /** An operator who tries things while work goes on. */
  #meddle(): void {
    const host = this.#rng.pick(this.#world.hosts);
    if (host.partition === undefined) return;
    const parked = host.disk.list({ ...parkedRange(), limit: 10 });
    const dead = host.disk.list({ ...deadRange(), limit: 10 });
    if (parked.length > 0 && this.#rng.chance(0.5)) {
      const { address } = decodeParked(this.#rng.pick(parked).value);
      const verb = { kind: "retryParked", address } as const;
      this.#submit(host, undefined, { kind: "operator", request: 0, verb });
    } else if (dead.length > 0) {
      const number = readDeadKey(this.#rng.pick(dead).key);
      const verb = { kind: "retryDead", number } as const;
      this.#submit(host, undefined, { kind: "operator", request: 0, verb });
    }
  }

  #submit(host: Host, op: Op | undefined, input: Extract<Input, { request: number }>): number {
    const request = ++this.#requests;
    if (host.offer({ ...input, request })) this.#pending.set(request, { host, op });
    return request;
  }

  #later(maxMs: number, run: () => void): void {
    this.#world.schedule.after(this.#rng.random() * maxMs, run);
  }
}

/** I2: whatever a caller is told, the disk knows already. */
function checkDurable(host: Host, { step, key }: Op, release: Answer): void {
  const read = (of: Uint8Array) => host.disk.read([of])[0];
  if (release.kind === "pending") {
    assert(read(callKey(release.callId)) !== undefined, "I2: a promised reply is not on the disk");
  }
  if (release.kind !== "accepted" && release.kind !== "replied") return;
  const meta = read(keyOf("meta"));
  const sequence = Number.parseInt(release.messageId.split("-")[2] ?? "", 36);
  const isStored = meta !== undefined && sequence < decodeMeta(meta).nextSequence;
  assert(isStored, "I2: an answer tells of a message that the disk does not know");
  if (key === undefined) return;
  const once = read(onceKey(step.target, key));
  assert(once !== undefined, "I2: an answer tells of a key that the disk does not know");
  assert.equal(decodeOnce(once).messageId, release.messageId, "one idempotency key, two messages");
}
