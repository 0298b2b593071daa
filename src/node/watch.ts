/**
 * Tells the log what a person should hear of without asking: addresses that are parked, messages that are
 * given up, endpoints that are in trouble and that answer again. It looks at what the partitions know, once
 * in a while, so that trouble by the thousand is a line each time, and costs the partitions nothing.
 */
import type { EndpointStatus } from "../gateway/admin-port.ts";
import type { ParkedRecord } from "../store/records/parked.ts";
import type { Logger } from "../telemetry/logger.ts";

const LOOK_EVERY_MS = 1_000;

/** What is looked at. */
export interface Watched {
  endpoints(): Promise<readonly EndpointStatus[]>;
  /** Of every partition, by its number. */
  stuck(): Promise<readonly Stuck[]>;
}

/** What of a partition is stuck. */
export interface Stuck {
  readonly partition: number;
  readonly parked: number;
  /** Parked last, of those that are. */
  readonly latest: ParkedRecord | undefined;
  readonly dead: number;
}

export class Watch {
  readonly #watched: Watched;
  readonly #logger: Logger;
  readonly #troubled = new Set<string>();
  readonly #before = new Map<number, Stuck>();
  #timer: NodeJS.Timeout | undefined;
  #isLooking = false;

  constructor(watched: Watched, logger: Logger) {
    this.#watched = watched;
    this.#logger = logger;
  }

  /** Looks, and then again and again until {@link stop}. */
  start(): void {
    void this.look();
    this.#timer = setInterval(() => void this.look(), LOOK_EVERY_MS);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Never rejects. */
  async look(): Promise<void> {
    // One that takes longer, since a partition is slow to answer, is not overtaken by the next.
    if (this.#isLooking) return;
    this.#isLooking = true;
    try {
      for (const endpoint of await this.#watched.endpoints()) this.#compareEndpoint(endpoint);
      for (const stuck of await this.#watched.stuck()) this.#compareStuck(stuck);
    } finally {
      this.#isLooking = false;
    }
  }

  #compareEndpoint({ name, circuit, reason }: EndpointStatus): void {
    const isTroubled = circuit !== "closed";
    if (isTroubled === this.#troubled.has(name)) return;
    if (isTroubled) {
      this.#troubled.add(name);
      this.#logger.warn({ endpoint: name, reason }, "An endpoint is in trouble; it is probed.");
    } else {
      this.#troubled.delete(name);
      this.#logger.info({ endpoint: name }, "An endpoint answers again.");
    }
  }

  #compareStuck(stuck: Stuck): void {
    const { partition, parked, latest, dead } = stuck;
    const before = this.#before.get(partition);
    this.#before.set(partition, stuck);
    if (latest !== undefined && !isSame(latest, before?.latest)) {
      const { code, reason } = latest;
      const address = `${latest.address.type}/${latest.address.id}`;
      this.#logger.warn(
        { partition, address, code, reason, parked },
        "Addresses are parked: their mail waits until somebody retries or skips it.",
      );
    }
    if (dead > (before?.dead ?? 0)) {
      this.#logger.warn({ partition, dead }, "Messages were given up: they are dead letters.");
    }
  }
}

function isSame(one: ParkedRecord, other: ParkedRecord | undefined): boolean {
  return (
    one.sinceMs === other?.sinceMs &&
    one.address.type === other.address.type &&
    one.address.id === other.address.id
  );
}
