import type { Rng } from "../support/rng.ts";
import type { Paths } from "./paths.ts";
import type { Fault } from "./swarm.ts";

interface Span {
  readonly fromMs: number;
  readonly untilMs: number;
}

/** How the world misbehaves in one run, until it ends. What lasts for a while is a list of spans of time. */
export class Faults<F extends string = Fault> {
  readonly paths: Paths;
  readonly counts = new Map<string, number>();
  readonly #rng: Rng;
  readonly #intensities: Readonly<Record<F, number>>;
  readonly #spans = new Map<string, readonly Span[]>();
  #isOver = false;

  constructor(rng: Rng, intensities: Readonly<Record<F, number>>, paths: Paths) {
    this.#rng = rng;
    this.#intensities = intensities;
    this.paths = paths;
  }

  intensity(fault: F): number {
    return this.#isOver ? 0 : this.#intensities[fault];
  }

  /** Whether a fault strikes here; `most`: how probable that is when it is as hard as it comes. */
  strikes(fault: F, most: number): boolean {
    const intensity = this.intensity(fault);
    if (intensity === 0 || !this.#rng.chance(intensity * most)) return false;
    this.count(fault);
    return true;
  }

  /** Whether a fault that comes and goes is there now; `name` tells several of a kind apart. */
  isDuring(fault: F, name: string, nowMs: number): boolean {
    const intensity = this.intensity(fault);
    if (intensity === 0) return false;
    const key = `${fault}/${name}`;
    let spans = this.#spans.get(key);
    if (spans === undefined) {
      // Of several that may be down, some are not: what is beside them goes on.
      spans = name !== "" && this.#rng.chance(0.4) ? [] : this.#draw(intensity);
      this.#spans.set(key, spans);
    }
    return spans.some(({ fromMs, untilMs }) => nowMs >= fromMs && nowMs < untilMs);
  }

  count(fault: string): void {
    this.counts.set(fault, (this.counts.get(fault) ?? 0) + 1);
  }

  /** From here on the world behaves: everything must drain (I10). */
  end(): void {
    this.#isOver = true;
  }

  #draw(intensity: number): readonly Span[] {
    const rng = this.#rng;
    const spans: Span[] = [];
    let atMs = 1_000_000;
    for (let i = 1 + rng.int(3); i > 0; i--) {
      const fromMs = atMs + rng.random() * 500;
      const untilMs = fromMs + rng.random() * 5_000 * intensity;
      spans.push({ fromMs, untilMs });
      atMs = untilMs + 200;
    }
    return spans;
  }
}
