/**
 * Timers whose time has come, in line for their function to have room.
 *
 * They stay what they are, in the store as they were, until a mailbox gets them: so a function that is
 * behind costs nobody a second write of each, and those of one address are delivered together.
 *
 * I1: those of one address leave in the order of their times. I6: types wait for themselves alone.
 */
import { addressKey } from "../model/address.ts";
import type { Message } from "../model/message.ts";

/** What the line asks of whoever delivers. */
export interface Room {
  /** Messages to this target wait for room; others are elsewhere, or nowhere, at once. */
  waits(target: Message["target"]): boolean;
  /** Another address of this type may get in line. */
  has(type: string): boolean;
  /** This address is being called, or is about to be: it takes more when that is over. */
  isBusy(key: string): boolean;
}

export interface Due {
  readonly record: { readonly message: Message };
}

interface Line<T> {
  /** By address; the address that has waited longest first. */
  readonly groups: Map<string, T[]>;
  count: number;
}

export class DueTimers<T extends Due> {
  readonly #lines = new Map<string, Line<T>>();
  #count = 0;

  /** Cancelled ones included, until their turn comes. */
  get count(): number {
    return this.#count;
  }

  add(timer: T): void {
    const { target } = timer.record.message;
    let line = this.#lines.get(target.type);
    if (line === undefined) {
      line = { groups: new Map(), count: 0 };
      this.#lines.set(target.type, line);
    }
    const key = addressKey(target);
    const group = line.groups.get(key);
    if (group === undefined) line.groups.set(key, [timer]);
    else group.push(timer);
    line.count++;
    this.#count++;
  }

  /**
   * Hands over the timers of those addresses there is room for.
   *
   * @returns how many more could have been
   */
  release(room: Room, most: number, fire: (timer: T) => boolean): number {
    let left = most;
    for (const [type, line] of [...this.#lines]) {
      for (const [key, group] of line.groups) {
        if (left <= 0 || !room.has(type)) break;
        if (!room.isBusy(key)) left -= this.#take(line, key, group, left, fire);
      }
      this.#lines.delete(type);
      if (line.count > 0) this.#lines.set(type, line); // the others come first next time
    }
    return left;
  }

  /** Hands over so many without room, from the longest line: others must not wait behind it for ever (I6). */
  spill(count: number, fire: (timer: T) => boolean): void {
    for (let left = count; left > 0; ) {
      const [type, line] = [...this.#lines].reduce(
        (longest, each) => (each[1].count > longest[1].count ? each : longest),
        ["", NONE] as [string, Line<T>],
      );
      const [first] = line.groups;
      if (first === undefined) return;
      const taken = this.#take(line, first[0], first[1], left, fire);
      if (line.count === 0) this.#lines.delete(type);
      if (taken === 0) return;
      left -= taken;
    }
  }

  /** There is room for one that waits. */
  hasRoom(room: Room): boolean {
    for (const [type, { groups }] of this.#lines) {
      if (!room.has(type)) continue;
      for (const key of groups.keys()) if (!room.isBusy(key)) return true;
    }
    return false;
  }

  /** @param fire false: no more now, and this one neither */
  #take(line: Line<T>, key: string, group: T[], most: number, fire: (timer: T) => boolean): number {
    let taken = 0;
    for (const timer of group) {
      if (taken === most || !fire(timer)) break;
      taken++;
    }
    if (taken === group.length) line.groups.delete(key);
    else group.splice(0, taken);
    line.count -= taken;
    this.#count -= taken;
    return taken;
  }
}

const NONE: Line<never> = { groups: new Map(), count: 0 };
