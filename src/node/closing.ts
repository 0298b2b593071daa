/** What was opened, to be closed in the reverse order; every failure is gathered, one error tells. */
import { describeError } from "../base/errors.ts";

export class Closing {
  readonly #steps: (() => Promise<void>)[] = [];
  #closing: Promise<void> | undefined;

  add(close: () => Promise<void>): void {
    this.#steps.push(close);
  }

  /** Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#run();
    return this.#closing;
  }

  async #run(): Promise<void> {
    const failures: unknown[] = [];
    for (const close of this.#steps.reverse()) {
      try {
        await close();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length === 0) return;
    const reasons = failures.map(describeError).join("; ");
    throw new AggregateError(failures, `not everything could be closed: ${reasons}`);
  }
}
