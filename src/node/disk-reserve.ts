/**
 * Keeps a part of the disk for what was accepted already: when less is free, nothing new is taken in, so
 * that what waits can still be worked off. It is the bound of everything that is kept on disk without one
 * of its own: states, delayed messages, dead letters, topics.
 */
import type { DiskSpace } from "../base/disk-space.ts";
import { describeError } from "../base/errors.ts";
import type { Logger } from "../telemetry/logger.ts";

/** So much stays free … */
const RESERVE_BYTES = 256 * 1024 * 1024;
/** … or this share of the file system, in percent, where that is less. */
const RESERVE_PERCENT = 5;
const LOOK_EVERY_MS = 1_000;

export interface DiskReserveOptions {
  /** How much room there is. */
  readonly measure: () => Promise<DiskSpace>;
  /** There is room again. */
  readonly onRoom: () => void;
  readonly logger: Logger;
}

export class DiskReserve {
  readonly #options: DiskReserveOptions;
  #timer: NodeJS.Timeout | undefined;
  #low: string | undefined;
  #freeBytes = 0;

  constructor(options: DiskReserveOptions) {
    this.#options = options;
  }

  /** Why nothing new is taken in; undefined while there is room. */
  get reason(): string | undefined {
    return this.#low;
  }

  /** As of the last look. */
  get freeBytes(): number {
    return this.#freeBytes;
  }

  /** Looks, and then again and again until {@link stop}. */
  async start(): Promise<void> {
    await this.look();
    this.#timer = setInterval(() => void this.look(), LOOK_EVERY_MS);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Never rejects: a disk that does not tell is taken to have room. */
  async look(): Promise<void> {
    const { measure, onRoom, logger } = this.#options;
    let low: string | undefined;
    try {
      const { freeBytes, sizeBytes } = await measure();
      this.#freeBytes = freeBytes;
      const reserve = Math.min(RESERVE_BYTES, Math.floor((sizeBytes * RESERVE_PERCENT) / 100));
      if (freeBytes < reserve)
        low = `the disk has ${freeBytes} bytes left, of which ${reserve} are kept`;
    } catch (error) {
      logger.debug({ reason: describeError(error) }, "The disk does not say how much room it has.");
    }
    const before = this.#low;
    this.#low = low;
    if (low !== undefined && before === undefined) {
      logger.error({ reason: low }, "The disk is nearly full: nothing new is taken in.");
    } else if (low === undefined && before !== undefined) {
      logger.info({}, "The disk has room again.");
      onRoom();
    }
  }
}
