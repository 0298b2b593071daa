/**
 * Timers whose time has come, in line for their function to have room.
 *
 * They stay what they are, in the store as they were, until a mailbox gets them: so many that are due at
 * once are no mail that fills the partition, and those of one address are delivered together.
 *
 * I1: those of one address leave in the order of their times. I6: types wait for themselves alone. I10: of
 * each type so many addresses are in line at any time, however many others are in it.
 */
import { addressKey } from "../model/address.ts";
import type { Message } from "../model/message.ts";

/** What the line asks of whoever delivers. */
export interface Room {
  /** Messages to this target wait for room; others are elsewhere, or nowhere, at once. */
  waits(target: Message["target"]): boolean;
  /** Addresses of this type that may be in their lane's line because of their timers. */
  places(type: string): number;
  isInLine(key: string): boolean;
  /** It is in line or being called: it takes more when that is over. */
  isServed(key: string): boolean;
}

export interface Due {
  readonly record: { readonly message: Message };
}

interface Line<T> {
  /** By address; the address that has waited longest first. */
  readonly groups: Map<string, T[]>;
  /** Addresses that were given theirs, and were in their lane's line when it was last looked to. */
  readonly placed: Set<string>;
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
      line = { groups: new Map(), placed: new Set(), count: 0 };
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
      let places = placesIn(line, type, room);
      for (const [key, group] of line.groups) {
        if (left <= 0 || places <= 0) break;
        if (room.isServed(key)) continue;
        const taken = this.#take(line, key, group, left, fire);
        if (taken === 0) break;
        left -= taken;
        if (!room.isInLine(key)) continue;
        line.placed.add(key);
        places--;
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
    for (const [type, line] of this.#lines) {
      if (placesIn(line, type, room) <= 0) continue;
      for (const key of line.groups.keys()) if (!room.isServed(key)) return true;
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

const NONE: Line<never> = { groups: new Map(), placed: new Set(), count: 0 };

function placesIn({ placed }: Line<unknown>, type: string, room: Room): number {
  for (const key of placed) if (!room.isInLine(key)) placed.delete(key);
  return room.places(type) - placed.size;
}
