import { decodeMeta, type MetaRecord } from "../../src/store/records.ts";
import type { Rng } from "../support/rng.ts";

/** How the world misbehaves in one run: drawn from the seed, switched off at its end. */
export class Faults {
  readMs: number;
  commitMs: number;
  networkMs: number;
  publishMs: number;
  /** Probabilities, per event. */
  commitFails: number;
  requestLost: number;
  answerLost: number;
  doubles: number;
  crash: number;
  #downFromMs = Infinity;
  #downUntilMs = 0;
  readonly #auditEvery: number;
  #audits = 0;

  constructor(rng: Rng) {
    const sometimes = (probability: number, most: number): number =>
      rng.chance(probability) ? rng.random() * most : 0;
    this.readMs = 0.2 + rng.random() * 3;
    this.commitMs = 0.2 + rng.random() * 10;
    this.networkMs = 0.2 + rng.random() * 20;
    this.publishMs = rng.pick([1, 10, 100]);
    this.commitFails = sometimes(0.3, 0.01);
    this.requestLost = sometimes(0.5, 0.1);
    this.answerLost = sometimes(0.5, 0.1);
    this.doubles = sometimes(0.5, 0.2);
    this.crash = sometimes(0.7, 0.004);
    if (rng.chance(0.3)) {
      this.#downFromMs = 1_000_000 + rng.random() * 400;
      this.#downUntilMs = this.#downFromMs + rng.random() * 3_000;
    }
    this.#auditEvery = 1 + rng.int(8);
  }

  endpointDown(nowMs: number): boolean {
    return nowMs >= this.#downFromMs && nowMs < this.#downUntilMs;
  }

  /** From here on the world behaves: everything must drain (I10). */
  end(): void {
    this.commitFails = 0;
    this.requestLost = 0;
    this.answerLost = 0;
    this.crash = 0;
    this.#downUntilMs = 0;
  }

  audit(host: { audit(): void }): void {
    if (++this.#audits % this.#auditEvery === 0) host.audit();
  }

  countsOf(meta: Uint8Array): MetaRecord {
    return decodeMeta(meta);
  }
}
