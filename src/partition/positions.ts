/**
 * How far each source and each peer partition has been taken (I5): the next number is accepted, a lower
 * one ignored, a gap refused. Stored with the effects of what was taken (I3).
 */
import { keyOf } from "../store/keys.ts";
import { encodePosition } from "../store/records/position.ts";
import type { Epochs } from "./epochs.ts";

interface Position {
  /** The next number expected. */
  next: number;
  /** The same as of the last durable epoch. */
  durable: number | undefined;
}

export class Positions {
  readonly #epochs: Epochs;
  readonly #all = new Map<string, Position>();
  readonly #moved = new Set<string>();
  /** Moved in the epoch that is being committed. */
  #committing = new Map<string, number>();

  constructor(epochs: Epochs) {
    this.#epochs = epochs;
  }

  restore(source: string, next: number): void {
    this.#all.set(source, { next, durable: next });
  }

  /** Undefined: nothing of this source was ever taken. */
  next(source: string): number | undefined {
    return this.#all.get(source)?.next;
  }

  durable(source: string): number | undefined {
    return this.#all.get(source)?.durable;
  }

  move(source: string, next: number): void {
    const position = this.#all.get(source);
    if (position === undefined) this.#all.set(source, { next, durable: undefined });
    else position.next = next;
    this.#moved.add(source);
    this.#epochs.touch();
  }

  write(): void {
    for (const source of this.#moved) {
      const next = this.#all.get(source)?.next ?? 0;
      this.#committing.set(source, next);
      this.#epochs.write(keyOf("position", source), encodePosition(source, next));
    }
    this.#moved.clear();
  }

  /** The commit is durable; returns the sources that moved with it. */
  committed(): ReadonlyMap<string, number> {
    const moved = this.#committing;
    this.#committing = new Map();
    for (const [source, next] of moved) {
      const position = this.#all.get(source);
      if (position !== undefined) position.durable = next;
    }
    return moved;
  }
}
