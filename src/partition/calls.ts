/**
 * Callers outside who wait for a reply, and idempotency keys.
 *
 * A call is an address of its own (CALL_TYPE): whoever sends it a message answers it. Its id is told to
 * the function that is called and cannot be guessed, so nobody else can answer, unless told. The first reply
 * counts; later ones, and those to calls nobody can ask for any more, are dropped and counted.
 *
 * A call is stored only while someone can still ask for its reply: with an idempotency key from the
 * beginning, without one from the moment its caller gave up. Until then it is known in memory alone, and
 * a crash that ends the caller's connection ends the call too. So its message may be in memory alone as well
 * (mailboxes.ts), until a caller leaves or is answered.
 */
import type { Random } from "../base/backoff.ts";
import type { Address } from "../model/address.ts";
import { CALL_TYPE } from "../model/owner.ts";
import type { TypedValue } from "../model/typed-value.ts";
import { keyOf } from "../store/keys.ts";
import { type CallRecord, decodeCall, encodeCall } from "../store/records/call.ts";
import { decodeOnce, encodeOnce, type OnceRecord } from "../store/records/once.ts";
import type { Epochs } from "./epochs.ts";
import type { Expiries } from "./expiries.ts";
import type { Identity } from "./identity.ts";
import type { Pending } from "./mailbox.ts";
import type { Mailboxes } from "./mailboxes.ts";
import type { Reads } from "./reads.ts";

/** A call someone waits for. */
interface Waiting {
  readonly callId: string;
  readonly messageId: string;
  readonly target: Address;
  /** Mostly one. */
  readonly requests: number[];
  /** Undefined while it is in memory alone. */
  expiresAtMs: number | undefined;
  /** Its message, where that may be in memory alone, too. */
  message: Pending | undefined;
  /** Nobody waited for some time: mail that came meanwhile may hold a reply. */
  readonly isFound: boolean;
}

const SECRET_BYTES = 16;

export class Calls {
  readonly #epochs: Epochs;
  readonly #reads: Reads;
  readonly #expiries: Expiries;
  readonly #identity: Identity;
  readonly #mailboxes: Mailboxes;
  readonly #retentionMs: number;
  readonly #random: Random;
  readonly #waiting = new Map<string, Waiting>();
  readonly #callOf = new Map<number, Waiting>();
  /** Requests whose call is being looked up; the value: they hung up meanwhile. */
  readonly #lookingUp = new Map<number, "keep" | "drop" | undefined>();
  readonly #drawn = Buffer.alloc(SECRET_BYTES);
  /** Replies that nobody could take. */
  dropped = 0;

  constructor(
    context: {
      epochs: Epochs;
      reads: Reads;
      expiries: Expiries;
      identity: Identity;
      mailboxes: Mailboxes;
    },
    retentionMs: number,
    random: Random,
  ) {
    this.#epochs = context.epochs;
    this.#reads = context.reads;
    this.#expiries = context.expiries;
    this.#identity = context.identity;
    this.#mailboxes = context.mailboxes;
    this.#retentionMs = retentionMs;
    this.#random = random;
  }

  get waiting(): number {
    return this.#callOf.size;
  }

  /** A new call, made by the message of this id; returns its id, the caller's address for the function. */
  begin(request: number, target: Address, messageId: string): string {
    const callId = `${this.#identity.messageId(this.#identity.sequence())}-${this.#secret()}`;
    this.#join(waitingFor({ callId, messageId, target, expiresAtMs: undefined }, false), request);
    return callId;
  }

  /** The message of a call is in memory alone as long as its callers wait. */
  carry(callId: string, message: Pending): void {
    const waiting = this.#waiting.get(callId);
    if (waiting !== undefined) waiting.message = message;
  }

  /** A request will join a call once that is looked up: it may hang up before. */
  lookingUp(request: number): void {
    this.#lookingUp.set(request, undefined);
  }

  /** A request is answered without joining a call. */
  forget(request: number): void {
    this.#lookingUp.delete(request);
  }

  /** Looks an idempotency key up; `then` gets undefined when it is new, or has expired. */
  seen(target: Address, key: string, then: (once: OnceRecord | undefined) => void): void {
    this.#reads.get(onceKey(target, key), (bytes) => {
      const once = bytes === undefined ? undefined : decodeOnce(bytes);
      then(once === undefined || once.expiresAtMs <= this.#epochs.nowMs ? undefined : once);
    });
  }

  /** Remembers a key; with a call id also the call, so that its reply is kept. */
  remember(target: Address, key: string, messageId: string, callId: string): void {
    const expiresAtMs = this.#epochs.nowMs + this.#retentionMs;
    const id = onceKey(target, key);
    this.#epochs.writeVisible(id, encodeOnce({ target, key, messageId, callId, expiresAtMs }));
    this.#expiries.enter("once", id, expiresAtMs);
    if (callId === "") return;
    // Whoever made the call may have left already: the key can still be asked with.
    const waiting = this.#waiting.get(callId);
    if (waiting !== undefined) waiting.expiresAtMs = expiresAtMs;
    this.#store({ callId, messageId, target, expiresAtMs });
  }

  /**
   * A reply, when the call is known in memory. False: it goes by its mailbox, since there may be an earlier one in it,
   * and the store must be asked, see {@link replyStored}.
   */
  reply(callId: string, value: TypedValue): boolean {
    const waiting = this.#waiting.get(callId);
    if (waiting === undefined) return false;
    const address = { type: CALL_TYPE, id: callId };
    if (waiting.isFound && this.#mailboxes.countOf(address) !== 0) return false;
    return this.#answer(waiting, value);
  }

  #answer(waiting: Waiting, value: TypedValue): true {
    const { callId } = waiting;
    this.#waiting.delete(callId);
    this.#keep(waiting);
    const { messageId, target, expiresAtMs } = waiting;
    for (const request of waiting.requests) {
      this.#callOf.delete(request);
      this.#epochs.release({ kind: "replied", request, messageId, value });
    }
    if (expiresAtMs === undefined) return true;
    if (expiresAtMs <= this.#epochs.nowMs) this.#end(callId);
    else {
      const record = { callId, messageId, target, expiresAtMs, reply: value };
      this.#epochs.writeVisible(callKey(callId), encodeCall(record));
    }
    return true;
  }

  /** A reply to a call that nobody waits for at this moment. `then` runs when it has been dealt with. */
  replyStored(callId: string, value: TypedValue, then: () => void): void {
    this.#lookUp(callId, (record) => {
      const waiting = this.#waiting.get(callId);
      if (waiting !== undefined) {
        this.#answer(waiting, value);
        return then();
      }
      if (record === undefined || record.reply !== undefined) this.dropped++;
      else this.#epochs.writeVisible(callKey(callId), encodeCall({ ...record, reply: value }));
      then();
    });
  }

  /** Someone (else, or again) waits for a call. */
  fetch(request: number, callId: string): void {
    const waiting = this.#waiting.get(callId);
    if (waiting !== undefined) return this.#join(waiting, request);
    this.#lookingUp.set(request, this.#lookingUp.get(request));
    this.#lookUp(callId, (record) => {
      const meanwhile = this.#waiting.get(callId);
      if (meanwhile !== undefined) return this.#join(meanwhile, request);
      if (record !== undefined && record.reply === undefined) {
        return this.#join(waitingFor(record, true), request);
      }
      this.#lookingUp.delete(request);
      if (record?.reply === undefined) this.#epochs.release({ kind: "unknownCall", request });
      else {
        const { messageId, reply: value } = record;
        this.#epochs.release({ kind: "replied", request, messageId, value });
      }
    });
  }

  /** A request no longer waits. With `keep` it is told, durably, that its call can be asked for later. */
  hangUp(request: number, keep: boolean): void {
    if (this.#lookingUp.has(request)) {
      this.#lookingUp.set(request, keep ? "keep" : "drop");
      return;
    }
    const waiting = this.#callOf.get(request);
    if (waiting === undefined) return; // its answer is on its way
    this.#callOf.delete(request);
    waiting.requests.splice(waiting.requests.indexOf(request), 1);
    this.#keep(waiting);
    if (keep) {
      // What was stored long ago may expire before anyone can fetch it: the promise is made anew.
      if (waiting.expiresAtMs === undefined || waiting.expiresAtMs <= this.#epochs.nowMs) {
        const expiresAtMs = this.#epochs.nowMs + this.#retentionMs;
        waiting.expiresAtMs = expiresAtMs;
        const { messageId, target } = waiting;
        this.#store({ callId: waiting.callId, messageId, target, expiresAtMs });
      }
      this.#epochs.release({ kind: "pending", request, callId: waiting.callId });
    }
    if (waiting.requests.length === 0) this.#waiting.delete(waiting.callId);
  }

  /** The expiry index names this record: removes it if it has expired. `done`: the entry may go. */
  expire(kind: "once" | "call", key: Uint8Array, done: () => void): void {
    this.#reads.get(key, (bytes) => {
      done();
      if (bytes === undefined) return;
      const record = kind === "once" ? decodeOnce(bytes) : decodeCall(bytes);
      if (record.expiresAtMs > this.#epochs.nowMs) {
        // The entry was of an earlier record of this key, or the clock has gone back since it was found.
        this.#expiries.enter(kind, key, record.expiresAtMs);
      } else if (kind === "call") this.#end(record.callId);
      else this.#epochs.writeVisible(key, undefined);
    });
  }

  /** A call is over, also when the clock goes back: its record goes, and nobody may wait for it anew. */
  #end(callId: string): void {
    this.#epochs.writeVisible(callKey(callId), undefined);
    const waiting = this.#waiting.get(callId);
    if (waiting !== undefined) waiting.expiresAtMs = undefined; // in memory alone from now on
  }

  /** 128 bits: a call's id is all that it takes to answer it, and to fetch its reply. */
  #secret(): string {
    for (let at = 0; at < SECRET_BYTES; at += 4) {
      this.#drawn.writeUInt32LE(Math.floor(this.#random() * 2 ** 32), at);
    }
    return this.#drawn.toString("base64url");
  }

  #join(waiting: Waiting, request: number): void {
    this.#waiting.set(waiting.callId, waiting);
    waiting.requests.push(request);
    this.#callOf.set(request, waiting);
    if (this.#lookingUp.size === 0) return;
    const hungUp = this.#lookingUp.get(request);
    this.#lookingUp.delete(request);
    if (hungUp !== undefined) this.hangUp(request, hungUp === "keep");
  }

  /** Somebody has left, or is told something: from now on its message may be known of. */
  #keep({ message }: Waiting): void {
    if (message !== undefined) this.#mailboxes.keep(message);
  }

  #store(call: Omit<CallRecord, "reply">): void {
    const key = callKey(call.callId);
    this.#epochs.writeVisible(key, encodeCall({ ...call, reply: undefined }));
    this.#expiries.enter("call", key, call.expiresAtMs);
  }

  #lookUp(callId: string, then: (record: CallRecord | undefined) => void): void {
    this.#reads.get(callKey(callId), (bytes) => {
      const record = bytes === undefined ? undefined : decodeCall(bytes);
      if (record === undefined || record.expiresAtMs > this.#epochs.nowMs) return then(record);
      this.#end(callId);
      then(undefined);
    });
  }
}

export function callKey(callId: string): Uint8Array {
  return keyOf("call", callId);
}

export function onceKey(target: Address, key: string): Uint8Array {
  return keyOf("once", target.type, target.id, key);
}

/** A call that somebody will wait for. */
function waitingFor(
  call: Pick<Waiting, "callId" | "messageId" | "target" | "expiresAtMs">,
  isFound: boolean,
): Waiting {
  const { callId, messageId, target, expiresAtMs } = call;
  return { callId, messageId, target, requests: [], expiresAtMs, message: undefined, isFound };
}
