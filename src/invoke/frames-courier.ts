/**
 * Carries the calls to one place (a URL), many in one request, as long as that place takes them so.
 *
 * Owns which calls share a request, what is under way, and whether the place understands it. Does not own
 * HTTP, time or ordinary requests: those are ports, so that a simulation can stand in for them.
 *
 * - A call is settled once, whatever comes: by the answer that names it, by what its request ends in, or
 *   not at all when it was cancelled. What has been answered is never sent again.
 * - Only a few requests at a time: what is ready meanwhile makes the next one larger. One that is answered, or
 *   has been under way for LINGER_MS, does not count: a slow function holds up nobody else (I6).
 * - A place that answers as if it did not understand gets each unanswered call of the request alone, by an
 *   ordinary request, and from then on only such, until it offers frames again. So does one that keeps its
 *   answer back: behind a proxy that gathers a whole answer, one slow call would delay all others.
 *
 * I9: a request holds at most CALLS_MAX calls and about #maxBytes bytes. The queue holds what the invoker's
 * owner has let in (a bound for each function type), the rounds what the pool's connections do.
 */
import { Queue } from "../base/queue.ts";
import { WireError } from "../base/wire-reader.ts";
import { encodeRequests } from "./encode-request.ts";
import { FramesOffer } from "./frames-offer.ts";
import { type Parcel, Round } from "./frames-round.ts";

/** How a request of many calls ended. */
export type RoundEnding =
  /** Its answer, of the right content type, is over. */
  | { readonly kind: "answered" }
  /** The endpoint's trouble, as of an ordinary request. */
  | { readonly kind: "trouble"; readonly reason: string }
  /** It was answered otherwise. `isTooLarge`: since it was too large. */
  | { readonly kind: "refused"; readonly isTooLarge: boolean };

/** Told of one request; of nothing after `ended`, which comes once, or after it was cancelled. */
export interface RoundListener {
  /** The head of an answer of the right content type. */
  begun(): void;
  took(piece: Buffer): void;
  ended(ending: RoundEnding): void;
}

export interface CourierPorts {
  /** Sends a request of many calls. Returns what gives it up, its connection included. */
  readonly post: (body: Buffer, listener: RoundListener) => () => void;
  /** Calls when all that is going on has had its turn. */
  readonly soon: (run: () => void) => void;
  /** Returns what takes it back. */
  readonly after: (delayMs: number, run: () => void) => () => void;
  /** Monotonic. */
  readonly nowMs: () => number;
}

export interface CourierOptions extends CourierPorts {
  /** The URL, for reasons. */
  readonly from: string;
  /** Frames are tried before they were offered. */
  readonly isAssumed: boolean;
  readonly answerMaxBytes: number;
}

/** Requests under way that the next one waits for. */
const ROUNDS_AT_ONCE = 2;
const CALLS_MAX = 256;
/** Below what proxies let through, such as nginx (1 MB). */
const REQUEST_BYTES = 512 * 1024;
/** However small a place wants its requests. */
const REQUEST_MIN_BYTES = 16 * 1024;
/** A request so long under way holds up the next no more. */
const LINGER_MS = 20;
/** A head that takes longer is being kept back: the SDK sends it after 50 ms, whatever its functions do. */
const HELD_MS = 2_000;

export class Courier {
  readonly #options: CourierOptions;
  readonly #offer: FramesOffer;
  readonly #queue = new Queue<Parcel>();
  /** Requests that count against {@link ROUNDS_AT_ONCE}. */
  #current = 0;
  #isPumpDue = false;
  #maxBytes = REQUEST_BYTES;

  constructor(options: CourierOptions) {
    this.#options = options;
    this.#offer = new FramesOffer(options);
  }

  /** Calls should come this way at the moment. */
  get isOpen(): boolean {
    return this.#offer.isTaken;
  }

  /** An ordinary answer of the place offered frames. */
  offered(): void {
    this.#offer.offered();
  }

  /** Carries a call. */
  take(parcel: Parcel): void {
    this.#queue.push(parcel);
    this.#pumpSoon();
  }

  cancel(parcel: Parcel): void {
    const { place } = parcel;
    if (place === "over") return;
    parcel.place = "over"; // from the queue it is taken in its turn
    if (place === "queue") return;
    place.drop(parcel);
    if (place.unanswered > 0) return;
    place.cancel(); // nobody waits for anything of it
    this.#release(place);
  }

  #pumpSoon(): void {
    if (this.#isPumpDue) return;
    this.#isPumpDue = true;
    this.#options.soon(() => {
      this.#isPumpDue = false;
      this.#pump();
    });
  }

  #pump(): void {
    while (this.#queue.size > 0 && (this.#current < ROUNDS_AT_ONCE || !this.isOpen)) {
      if (this.isOpen) this.#send(this.#next());
      else alone(this.#queue.shift());
    }
  }

  /** The calls of the next request, those first that have waited longest. */
  #next(): Parcel[] {
    const parcels: Parcel[] = [];
    let bytes = 0;
    for (let next = this.#queue.peek(); next !== undefined; next = this.#queue.peek()) {
      if (next.place === "queue") {
        const isFull = parcels.length === CALLS_MAX || bytes + next.bytes > this.#maxBytes;
        if (isFull && parcels.length > 0) break;
        if (next.bytes > this.#maxBytes) alone(next);
        else {
          parcels.push(next);
          bytes += next.bytes;
        }
      }
      this.#queue.shift();
    }
    return parcels;
  }

  #send(parcels: readonly Parcel[]): void {
    if (parcels.length === 0) return;
    const { from, answerMaxBytes, post, after } = this.#options;
    const round = new Round(parcels, from, answerMaxBytes);
    this.#current++;
    let isOver = false;
    let stopWatch = after(LINGER_MS, () => {
      stopWatch = after(HELD_MS - LINGER_MS, () => this.#held(round));
      this.#release(round);
    });
    const end = (ending: RoundEnding): void => {
      if (isOver) return;
      isOver = true;
      stopWatch();
      this.#ended(round, ending);
    };
    const cancel = post(encodeRequests(parcels.map(({ invocation }) => invocation)), {
      begun: () => {
        round.hasBegun = true;
      },
      took: (piece) => {
        if (isOver) return;
        try {
          round.take(piece);
        } catch (error) {
          if (!(error instanceof WireError)) throw error;
          cancel();
          end({ kind: "refused", isTooLarge: false });
        }
        if (round.unanswered === 0) this.#release(round);
      },
      ended: end,
    });
    round.cancel = () => {
      isOver = true;
      stopWatch();
      cancel();
    };
  }

  #ended(round: Round, ending: RoundEnding): void {
    this.#judge(round, ending);
    for (const parcel of round.takeLeft()) {
      if (ending.kind === "trouble") parcel.settle({ kind: "retryLater", reason: ending.reason });
      else parcel.settle(undefined);
    }
    this.#release(round);
  }

  /** What an ending says about the place. */
  #judge({ size, unanswered }: Round, ending: RoundEnding): void {
    if (ending.kind === "trouble") return;
    if (ending.kind === "answered") {
      if (unanswered === 0) this.#offer.understood();
      else if (unanswered === size) this.#offer.refused();
    } else if (ending.isTooLarge && size > 1) {
      this.#maxBytes = Math.max(REQUEST_MIN_BYTES, Math.floor(this.#maxBytes / 2));
    } else this.#offer.refused();
  }

  #held(round: Round): void {
    if (!round.hasBegun) this.#offer.refused();
    this.#pumpSoon();
  }

  /** The next request need not wait for this one. */
  #release(round: Round): void {
    if (!round.isCurrent) return;
    round.isCurrent = false;
    this.#current--;
    this.#pumpSoon();
  }
}

function alone(parcel: Parcel | undefined): void {
  if (parcel?.place !== "queue") return;
  parcel.place = "over";
  parcel.settle(undefined);
}
