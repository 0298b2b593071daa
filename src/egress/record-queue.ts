/** Payloads by topic, oldest first, bounded in number and bytes over all topics. */
export class RecordQueue {
  readonly #queues: ReadonlyMap<string, Queue>;
  readonly #bounds: { readonly maxRecords: number; readonly maxBytes: number };
  #size = 0;
  #bytes = 0;

  constructor(
    topics: readonly string[],
    bounds: { readonly maxRecords: number; readonly maxBytes: number },
  ) {
    this.#queues = new Map(topics.map((topic) => [topic, { payloads: [], head: 0 }]));
    this.#bounds = bounds;
  }

  get size(): number {
    return this.#size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  has(topic: string): boolean {
    return this.#queues.has(topic);
  }

  /** False, and nothing is done, when there is no room. */
  push(topic: string, payload: string): boolean {
    const bytes = weigh(payload);
    const { maxRecords, maxBytes } = this.#bounds;
    if (this.#size >= maxRecords || this.#bytes + bytes > maxBytes) return false;
    this.#queues.get(topic)?.payloads.push(payload);
    this.#size++;
    this.#bytes += bytes;
    return true;
  }

  shift(topic: string): string | undefined {
    const queue = this.#queues.get(topic);
    const payload = queue?.payloads[queue.head];
    if (queue === undefined || payload === undefined) return undefined;
    queue.payloads[queue.head++] = "";
    // Taken ones are let go in large steps, so that each costs next to nothing.
    if (queue.head >= 1024 && queue.head * 2 >= queue.payloads.length) {
      queue.payloads.splice(0, queue.head);
      queue.head = 0;
    }
    this.#size--;
    this.#bytes -= weigh(payload);
    return payload;
  }
}

interface Queue {
  readonly payloads: string[];
  head: number;
}

function weigh(payload: string): number {
  return 64 + 2 * payload.length;
}
