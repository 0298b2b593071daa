/** What the runtime takes and does over time, through its lives, seen from outside. */
import { setTimeout as sleep } from "node:timers/promises";
import { metric } from "../../real/runtime.ts";
import { sampleOf } from "../samples.ts";
import type { Subject } from "../subject.ts";

const EVERY_MS = 500;

export class Watch {
  readonly rssBytes: number[] = [];
  readonly descriptors: number[] = [];
  /** Of each life, as last seen before its end. */
  readonly #transactions = new Map<number, { committed: number; aborted: number }>();

  async run(subject: Subject, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const sample = sampleOf(subject.script.pid);
      if (sample !== undefined && subject.isReady) {
        this.rssBytes.push(sample.rssBytes);
        this.descriptors.push(sample.descriptors);
      }
      await this.look(subject);
      await sleep(EVERY_MS);
    }
  }

  async look({ script }: Subject): Promise<void> {
    const { pid } = script;
    const of = (outcome: string) =>
      metric(script, `statefold_kafka_transactions_total{egress="shop/out",outcome="${outcome}"`);
    try {
      const [committed, aborted] = [await of("committed"), await of("aborted")];
      if (script.pid === pid) this.#transactions.set(pid, { committed, aborted });
    } catch {
      // It is dead just now.
    }
  }

  /** At least: what came between the last look and an end is missing. */
  get transactions(): { readonly committed: number; readonly aborted: number } {
    const lives = [...this.#transactions.values()];
    return {
      committed: lives.reduce((sum, each) => sum + each.committed, 0),
      aborted: lives.reduce((sum, each) => sum + each.aborted, 0),
    };
  }
}
