import type { Entry, ScanRange, StoreSnapshot } from "../../store/contract.ts";
import type { Line } from "./line.ts";
import type { ToMain, ToThread } from "./words.ts";

/** A partition's cut, read on the thread that has its store: page by page, as it is asked for. */
export class RemoteCut implements StoreSnapshot {
  readonly #line: Line<ToThread, ToMain>;
  readonly #cut: number;

  constructor(line: Line<ToThread, ToMain>, cut: number) {
    this.#line = line;
    this.#cut = cut;
  }

  async getMany(keys: readonly Uint8Array[]): Promise<(Uint8Array | undefined)[]> {
    return await this.#line.ask("readCut", { cut: this.#cut, keys });
  }

  async scan(range: ScanRange): Promise<Entry[]> {
    return await this.#line.ask("scanCut", { cut: this.#cut, range });
  }

  async close(): Promise<void> {
    this.#line.tell("closeCut", { cut: this.#cut });
  }
}
