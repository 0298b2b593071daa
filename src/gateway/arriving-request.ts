import { IncomingMessage } from "node:http";

/** Takes a body as it comes. */
export interface BodyTaker {
  /** @returns whether it takes more; without, what comes is for whoever reads the request as a stream */
  took(chunk: Buffer): boolean;
  /** All of it has come. */
  tookAll(): void;
}

/**
 * A request whose body can be taken without a stream: most bodies come with their heads and in one piece, and listeners,
 * events and ticks of a stream cost more than all else that is done with them. Whoever uses it as a stream gets one.
 */
export class ArrivingRequest extends IncomingMessage {
  /** Come before anybody has asked; bounded as a stream's buffer is. */
  #early: Buffer[] | undefined;
  #earlyBytes = 0;
  #hasAllCome = false;
  #taker: BodyTaker | undefined;
  #isStream = false;
  #isDropped = false;

  /** Its body goes there, from the first byte on. Once, and before anybody uses it as a stream. */
  handTo(taker: BodyTaker): void {
    this.#taker = taker;
    const early = this.#early ?? [];
    const wasFull = this.#earlyBytes >= this.readableHighWaterMark;
    this.#early = undefined;
    for (const chunk of early) this.push(chunk);
    if (this.#hasAllCome) this.#taker?.tookAll();
    else if (wasFull) super._read(0); // the connection is read on
  }

  /** Nobody wants its body, or what is left of it. */
  dropBody(): void {
    if (this.#hasAllCome && !this.#isStream) {
      this.#isDropped = true;
      this.#early = undefined;
    } else this.resume();
  }

  /** The parser calls it, with null at the end. */
  override push(chunk: Buffer | null): boolean {
    if (this.#isStream) return super.push(chunk);
    if (chunk === null) {
      this.#hasAllCome = true;
      this.#taker?.tookAll();
      return false;
    }
    if (this.#taker === undefined) {
      this.#early ??= [];
      this.#early.push(chunk);
      this.#earlyBytes += chunk.byteLength;
      return this.#earlyBytes < this.readableHighWaterMark;
    }
    if (this.#taker.took(chunk)) return true;
    this.#taker = undefined;
    this.#isStream = true;
    return true;
  }

  /** Somebody reads it as a stream, be it to drop what comes. */
  override _read(bytes: number): void {
    if (this.#isDropped) return;
    if (this.#taker === undefined && !this.#isStream) {
      this.#isStream = true;
      for (const chunk of this.#early ?? []) super.push(chunk);
      this.#early = undefined;
      if (this.#hasAllCome) super.push(null);
    }
    if (!this.#hasAllCome) super._read(bytes);
  }
}
