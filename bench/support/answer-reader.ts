/** One answer off a keep-alive socket: just enough HTTP/1.1 for a load generator. */
export interface RawAnswer {
  readonly status: number;
  /** The whole answer, head included; for messages. */
  readonly bytes: Buffer;
}

/** Gathers chunks until an answer is complete. One answer at a time is expected, none pipelined. */
export class AnswerReader {
  #received: Buffer = Buffer.alloc(0);
  #end = -1;
  #isChunked = false;

  /** The answer, once the chunk that ends it has come. */
  take(chunk: Buffer): RawAnswer | undefined {
    this.#received =
      this.#received.byteLength === 0 ? chunk : Buffer.concat([this.#received, chunk]);
    if (this.#end < 0 && !this.#isChunked) this.#readHead();
    const isWhole = this.#isChunked
      ? this.#received.subarray(-5).equals(LAST_CHUNK)
      : this.#end >= 0 && this.#received.byteLength >= this.#end;
    if (!isWhole) return undefined;
    const bytes = this.#received;
    this.#received = Buffer.alloc(0);
    this.#end = -1;
    this.#isChunked = false;
    return { status: Number(bytes.toString("latin1", 9, 12)), bytes };
  }

  #readHead(): void {
    const headEnd = this.#received.indexOf("\r\n\r\n");
    if (headEnd < 0) return;
    const head = this.#received.toString("latin1", 0, headEnd);
    this.#isChunked = /\r\ntransfer-encoding: *chunked/i.test(head);
    const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? "0";
    if (!this.#isChunked) this.#end = headEnd + 4 + Number(length);
  }
}

const LAST_CHUNK = Buffer.from("0\r\n\r\n");
