import { setTimeout as pause } from "node:timers/promises";
import { cpuMsOf, memoryOf } from "../support/process-figures.ts";

/** What processes had taken at a moment. */
export interface Sample {
  /** Since the epoch. */
  readonly atMs: number;
  /** By process, in the order they were given. */
  readonly cpuMs: readonly number[];
  readonly rssBytes: readonly number[];
}

/** Looks at processes again and again. */
export class Sampler {
  readonly samples: Sample[] = [];
  readonly #pids: readonly number[];
  readonly #ending = new AbortController();
  readonly #done: Promise<void>;

  constructor(pids: readonly number[], everyMs: number) {
    this.#pids = pids;
    this.#done = this.#run(everyMs);
  }

  async stop(): Promise<void> {
    this.#ending.abort();
    await this.#done;
  }

  /** Processors that a process kept busy between two moments, by the samples in between. */
  cores(process: number, fromMs: number, untilMs: number): number {
    const [first, last] = this.#ends(fromMs, untilMs);
    const spentMs = (last?.cpuMs[process] ?? 0) - (first?.cpuMs[process] ?? 0);
    return spentMs / ((last?.atMs ?? 0) - (first?.atMs ?? 0));
  }

  mostBytes(process: number, fromMs: number, untilMs: number): number {
    const within = this.samples.filter(({ atMs }) => atMs >= fromMs && atMs <= untilMs);
    return Math.max(...within.map(({ rssBytes }) => rssBytes[process] ?? 0));
  }

  #ends(fromMs: number, untilMs: number): readonly [Sample | undefined, Sample | undefined] {
    const within = this.samples.filter(({ atMs }) => atMs >= fromMs && atMs <= untilMs);
    return [within[0], within.at(-1)];
  }

  async #run(everyMs: number): Promise<void> {
    while (!this.#ending.signal.aborted) {
      const cpuMs = await Promise.all(this.#pids.map(cpuMsOf));
      const memory = await Promise.all(this.#pids.map(memoryOf));
      const rssBytes = memory.map((each) => each.rssBytes);
      this.samples.push({ atMs: performance.timeOrigin + performance.now(), cpuMs, rssBytes });
      await pause(everyMs);
    }
  }
}
