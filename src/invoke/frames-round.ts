import { WireError } from "../base/wire-reader.ts";
import type { Invocation, Outcome } from "../model/invocation.ts";
import { decodeFrame } from "./decode-frame.ts";
import { FramesReader } from "./frames-reader.ts";

/** A call that is to share a request with others, from when it is asked for until it has its outcome. */
export abstract class Parcel {
  readonly invocation: Invocation;
  /** About what it adds to a request. */
  readonly bytes: number;
  /** Where it is. */
  place: "queue" | "over" | Round = "queue";

  constructor(invocation: Invocation) {
    this.invocation = invocation;
    this.bytes = sizeOf(invocation);
  }

  /** Called once, and never when it is cancelled before. Undefined: it is to be sent alone, by an ordinary request. */
  abstract settle(outcome: Outcome | undefined): void;
}

/** Of tags, lengths and names, for each call and each message. */
const OVERHEAD_BYTES = 64;

/** About what a call adds to a request. */
function sizeOf({ target, state, messages }: Invocation): number {
  let bytes = OVERHEAD_BYTES + target.type.length + target.id.length;
  for (const entry of state) bytes += entry.byteLength;
  for (const { value, caller, headers, id, traceparent } of messages) {
    bytes += OVERHEAD_BYTES + value.value.byteLength + value.typename.length + id.length;
    bytes += (caller?.id.length ?? 0) + (traceparent?.length ?? 0);
    for (const header of headers) bytes += header.key.length + header.value.byteLength;
  }
  return bytes;
}

/**
 * The calls of one request, and which of them have no answer yet.
 *
 * The frame of a call is its place among them, from 1. An answer settles the call that it names, and no
 * other; a call leaves as it is settled, so what has been answered is neither settled nor sent again.
 */
export class Round {
  /** It holds up the next request. */
  isCurrent = true;
  /** The head of its answer has come. */
  hasBegun = false;
  /** Gives up the request. */
  cancel: () => void = () => {};
  readonly #parcels: (Parcel | undefined)[];
  readonly #reader: FramesReader;
  readonly #from: string;
  #unanswered: number;

  /**
   * @param from the URL, for reasons
   * @param answerMaxBytes of one answer
   */
  constructor(parcels: readonly Parcel[], from: string, answerMaxBytes: number) {
    this.#parcels = [...parcels];
    this.#from = from;
    this.#reader = new FramesReader(answerMaxBytes);
    this.#unanswered = parcels.length;
    for (const parcel of parcels) parcel.place = this;
  }

  /** Calls it began with. */
  get size(): number {
    return this.#parcels.length;
  }

  /** Calls without an answer. */
  get unanswered(): number {
    return this.#unanswered;
  }

  /**
   * Settles the calls that this piece of the answer completes.
   * @throws WireError when it is no answer to this request; those before it are settled
   */
  take(piece: Buffer): void {
    this.#reader.push(piece, (bytes) => {
      const { frame, outcome } = decodeFrame(bytes, this.#from);
      if (frame > this.#parcels.length) throw new WireError(`there is no call with frame ${frame}`);
      // None when it was cancelled, or has been answered before: the first answer counts.
      this.#remove(frame - 1)?.settle(outcome);
    });
  }

  /** Takes a call out that nobody waits for any more. */
  drop(parcel: Parcel): void {
    const at = this.#parcels.indexOf(parcel);
    if (at >= 0) this.#remove(at);
  }

  /** Takes all out that have no answer, in order. */
  takeLeft(): readonly Parcel[] {
    const left = this.#parcels.flatMap((parcel) => parcel ?? []);
    for (const parcel of left) this.drop(parcel);
    return left;
  }

  #remove(at: number): Parcel | undefined {
    const parcel = this.#parcels[at];
    if (parcel === undefined) return undefined;
    this.#parcels[at] = undefined;
    this.#unanswered--;
    parcel.place = "over";
    return parcel;
  }
}
