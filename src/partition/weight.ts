/** What an input will weigh against the bounds of unfinished work, once it is applied. */
import { messageBytes, type Weighed } from "../model/message.ts";
import type { Input } from "./ports.ts";

export class Weight {
  messages = 0;
  bytes = 0;

  add(input: Input): void {
    if (input.kind === "send" || input.kind === "call") this.#message(input);
    else if (input.kind === "channel") for (const message of input.messages) this.#message(message);
    else if (input.kind === "source") {
      for (const record of input.records) {
        for (const message of record.messages) this.#message(message);
      }
    }
  }

  clear(): void {
    this.messages = 0;
    this.bytes = 0;
  }

  #message(message: Weighed): void {
    this.messages++;
    this.bytes += messageBytes(message);
  }
}
