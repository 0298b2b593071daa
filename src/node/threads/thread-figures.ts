/**
 * What a thread says of itself and of its clients of brokers, in memory that it shares with the main thread: looked at
 * when somebody asks for metrics, without waiting for a thread that is busy.
 */
import { monitorEventLoopDelay } from "node:perf_hooks";
import { getHeapStatistics } from "node:v8";
import type { Egress, TransactionCounts } from "../../egress/contract.ts";

/** So often they are written. */
const WRITE_EVERY_MS = 500;
/** Heap and delay; behind them two for each egress. */
const OWN_NUMBERS = 2;

export class ThreadFigures {
  readonly #numbers: Float64Array;

  constructor(memory: SharedArrayBuffer) {
    this.#numbers = new Float64Array(memory);
  }

  static memoryFor(egresses: number): SharedArrayBuffer {
    const numbers = OWN_NUMBERS + 2 * egresses;
    return new SharedArrayBuffer(numbers * Float64Array.BYTES_PER_ELEMENT);
  }

  get heapBytes(): number {
    return this.#numbers[0] ?? 0;
  }

  set heapBytes(bytes: number) {
    this.#numbers[0] = bytes;
  }

  /** The longest of its event loop since this was last read. */
  takeDelaySeconds(): number {
    const seconds = this.#numbers[1] ?? 0;
    this.#numbers[1] = 0;
    return seconds;
  }

  delayed(seconds: number): void {
    this.#numbers[1] = Math.max(this.#numbers[1] ?? 0, seconds);
  }

  /** Of the egress with this number in the module. */
  transactions(egress: number): TransactionCounts {
    const place = OWN_NUMBERS + 2 * egress;
    return { committed: this.#numbers[place] ?? 0, aborted: this.#numbers[place + 1] ?? 0 };
  }

  setTransactions(egress: number, { committed, aborted }: TransactionCounts): void {
    const place = OWN_NUMBERS + 2 * egress;
    this.#numbers[place] = committed;
    this.#numbers[place + 1] = aborted;
  }
}

/**
 * Writes them again and again, on the thread they are of, until what it returns is called.
 *
 * @param egresses in the order of the module
 */
export function startThreadFigures(
  memory: SharedArrayBuffer,
  egresses: readonly Egress[],
): () => void {
  const figures = new ThreadFigures(memory);
  const delay = monitorEventLoopDelay({ resolution: 20 });
  delay.enable();
  const write = (): void => {
    figures.heapBytes = getHeapStatistics().used_heap_size;
    figures.delayed(delay.max / 1e9);
    delay.reset();
    for (const [i, egress] of egresses.entries()) {
      if (egress.transactions !== undefined) figures.setTransactions(i, egress.transactions);
    }
  };
  const timer = setInterval(write, WRITE_EVERY_MS);
  timer.unref();
  return () => {
    clearInterval(timer);
    write();
    delay.disable();
  };
}
