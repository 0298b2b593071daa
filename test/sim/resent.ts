/**
 * Where what was a dead letter may be since a person sent it again: an address, or an egress. While the
 * answer is open, or lost in a crash, it may be at each place that was decided; once somebody was told,
 * at that one alone.
 */
interface Letter {
  /** Which dead letter it was: what dies again is another one. */
  readonly letter: string;
  /** How many decisions that may have had effect send it there. */
  readonly places: Map<string, number>;
  isTold: boolean;
}

export class Resent {
  readonly #of = new Map<string, Letter>();

  /** It is a dead letter at this moment, durably: whatever was decided about an earlier one is over. */
  decided(name: string, letter: string, place: string): void {
    let known = this.#of.get(name);
    if (known?.letter !== letter) {
      known = { letter, places: new Map(), isTold: false };
      this.#of.set(name, known);
    }
    if (!known.isTold) known.places.set(place, (known.places.get(place) ?? 0) + 1);
  }

  told(name: string, letter: string, place: string): void {
    const known = this.#of.get(name);
    if (known?.letter !== letter) return;
    known.places.clear();
    known.places.set(place, 1);
    known.isTold = true;
  }

  /** The decision changed nothing: another one came first, or it was refused. */
  inVain(name: string, letter: string, place: string): void {
    const known = this.#of.get(name);
    if (known?.letter !== letter || known.isTold) return;
    const count = (known.places.get(place) ?? 0) - 1;
    if (count > 0) known.places.set(place, count);
    else known.places.delete(place);
  }

  /** Undefined: it was never sent again, and is where it was first sent to. */
  placesOf(name: string): readonly string[] | undefined {
    const known = this.#of.get(name);
    return known === undefined ? undefined : [...known.places.keys()];
  }
}
