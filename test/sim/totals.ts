/** What many runs came to: sums, and how often each path was taken. */
import { PATH_NAMES, PATHS, type Path } from "./paths.ts";
import type { Result } from "./world.ts";

export interface Failure {
  readonly seed: number;
  readonly detail: string;
}

interface Taken {
  times: number;
  seeds: number;
}

export interface TotalsData {
  readonly seeds: number;
  readonly steps: number;
  readonly simulatedMs: number;
  readonly crashes: number;
  readonly messages: number;
  readonly read: number;
  readonly published: number;
  readonly faults: readonly (readonly [string, number])[];
  readonly paths: readonly (readonly [string, Taken])[];
  readonly failures: readonly Failure[];
}

export class Totals {
  seeds = 0;
  steps = 0;
  simulatedMs = 0;
  crashes = 0;
  messages = 0;
  read = 0;
  published = 0;
  readonly failures: Failure[] = [];
  readonly #faults = new Map<string, number>();
  readonly #paths = new Map<string, Taken>();

  add(result: Result): void {
    this.seeds++;
    this.steps += result.steps;
    this.simulatedMs += result.simulatedMs;
    this.crashes += result.crashes;
    this.messages += result.messages;
    this.read += result.kafka.read;
    this.published += result.kafka.published;
    for (const [fault, times] of result.faults) this.#struck(fault, times);
    for (const [path, times] of result.paths) this.#took(path, { times, seeds: 1 });
  }

  fail(failure: Failure): void {
    this.seeds++;
    this.failures.push(failure);
  }

  /** Those of another process. */
  merge(data: TotalsData): void {
    this.seeds += data.seeds;
    this.steps += data.steps;
    this.simulatedMs += data.simulatedMs;
    this.crashes += data.crashes;
    this.messages += data.messages;
    this.read += data.read;
    this.published += data.published;
    this.failures.push(...data.failures);
    for (const [fault, times] of data.faults) this.#struck(fault, times);
    for (const [path, taken] of data.paths) this.#took(path, taken);
  }

  toJSON(): TotalsData {
    const { seeds, steps, simulatedMs, crashes, messages, failures } = this;
    const [faults, paths] = [[...this.#faults], [...this.#paths]];
    const { read, published } = this;
    return {
      seeds,
      steps,
      simulatedMs,
      crashes,
      messages,
      read,
      published,
      failures,
      faults,
      paths,
    };
  }

  /** Paths that no seed took. */
  missing(): readonly Path[] {
    return PATH_NAMES.filter((path) => !this.#paths.has(path));
  }

  /** How often each path was taken, and in how many seeds, the rarest first. */
  coverage(): string {
    const rows = PATH_NAMES.map((path) => {
      const { times, seeds } = this.#paths.get(path) ?? { times: 0, seeds: 0 };
      return { path, times, seeds };
    });
    rows.sort((a, b) => a.seeds - b.seeds || a.times - b.times);
    const lines = rows.map(({ path, times, seeds }) => {
      const name = path.padEnd(22);
      return `${String(times).padStart(9)} ${String(seeds).padStart(7)}  ${name} ${PATHS[path]}`;
    });
    return ["     runs   seeds  path", ...lines, ""].join("\n");
  }

  summary(): string {
    const faults = [...this.#faults]
      .sort(([, a], [, b]) => b - a)
      .map(([fault, times]) => `${fault} ${times}`);
    const hours = (this.simulatedMs / 3_600_000).toFixed(1);
    return [
      `${this.seeds} seeds, ${this.failures.length} failed`,
      `${this.messages} messages handled, ${this.crashes} crashes, ${this.steps} steps, ${hours} simulated hours`,
      `${this.read} records of Kafka taken, ${this.published} published`,
      `faults: ${faults.join(", ")}`,
      "",
    ].join("\n");
  }

  #struck(fault: string, times: number): void {
    this.#faults.set(fault, (this.#faults.get(fault) ?? 0) + times);
  }

  #took(path: string, { times, seeds }: Taken): void {
    const taken = this.#paths.get(path) ?? { times: 0, seeds: 0 };
    taken.times += times;
    taken.seeds += seeds;
    this.#paths.set(path, taken);
  }
}
