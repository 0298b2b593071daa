/**
 * What a marker that is found means to this process: that it may publish, and from which number on; that somebody
 * else has come; that it has other data than this; or that it is gone.
 *
 * Owns what this process knows of numbers and of the marker as it last was. Does not read or write one
 * (kafka-transactions.ts).
 */
import { isFirstNumber } from "../model/outbox-number.ts";
import { isOfData, type Marker, type MarkerOwner } from "./kafka-marker.ts";
import { fenced, markerAhead, markerLost } from "./kafka-troubles.ts";

export interface MarkerJudgeOptions {
  /** The marker's group, for people. */
  readonly name: string;
  /** This process, on its data. */
  readonly owner: MarkerOwner;
  /** A marker that contradicts the data at first is believed as far as it can be, instead of refused. */
  readonly acceptLoss: boolean;
  /** Somebody with other data has published under this name, up to a number of its own. */
  readonly onForeign: (marker: Marker) => void;
}

export class MarkerJudge {
  readonly #options: MarkerJudgeOptions;
  /** A session was begun before: the next must not be taken from a successor. */
  #hasOwned = false;
  /** Numbers below were given before this life of the partition, and may have been published in another. */
  #given = 1;
  /** The highest number that this process was to publish. */
  #seen = 0;
  /** As this process last saw it. */
  #last: Marker | undefined;
  /** Where the marker was when it was found ahead of this data. */
  #ahead: number | undefined;
  /** A commit has had no answer since. */
  #isUnsure = false;

  constructor(options: MarkerJudgeOptions) {
    this.#options = options;
  }

  /** The partition has opened, and gives numbers from `next` on. */
  opened(next: number): void {
    this.#given = next;
  }

  /** It is to publish up to a number. */
  toPublish(upTo: number): void {
    this.#seen = Math.max(this.#seen, upTo);
  }

  /** A commit is asked for. */
  asked(): void {
    this.#isUnsure = true;
  }

  /** It is known what the marker is. */
  settled(marker: Marker | undefined): void {
    this.#isUnsure = false;
    this.#last = marker;
  }

  /** A session has begun, and the marker bears this process's name where there is one. */
  owns(marker: Marker | undefined): void {
    this.#hasOwned = true;
    this.settled(marker);
  }

  /**
   * The marker has to be seen before anybody is shut out: whoever may not publish comes again and again, and must
   * not shut out each time who may. At first nothing comes before that: a process that sleeps between the two
   * would shut out its successor as it wakes up.
   */
  get looksFirst(): boolean {
    return this.#hasOwned || this.#ahead !== undefined;
  }

  /**
   * Somebody else has come after this process, or has more of this data than it has. Only ever truer: what
   * is open just now can but move the marker on.
   */
  refuse(found: Marker | undefined): void {
    if (found === undefined) return;
    const { name, owner, acceptLoss } = this.#options;
    const isOthers = found.owner.process !== owner.process;
    if (this.#hasOwned && isOthers) throw fenced(name, found.owner.process, owner.process);
    if (this.#isForeign(found) || found.next <= this.#knownUpTo) return;
    if (acceptLoss && !this.#hasOwned) return;
    // It moves although this process publishes nothing.
    const before = this.#ahead ?? found.next;
    this.#ahead = found.next;
    if (isOthers && found.next > before) throw fenced(name, found.owner.process, owner.process);
    throw markerAhead(name, found.next, this.#given);
  }

  /** What a marker says about the numbers of this data; undefined: nothing was published of them. */
  judge(found: Marker | undefined): Marker | undefined {
    const isForeign = found !== undefined && this.#isForeign(found);
    if (isForeign && !this.#hasOwned) this.#options.onForeign(found);
    if (found === undefined || isForeign) {
      // It was there and is not: whatever became of the last commit, nobody can tell. One that has never been
      // there says that the first commit was none.
      if (this.#isUnsure && this.#last !== undefined)
        throw markerLost(this.#options.name, this.#seen);
      return this.#last;
    }
    if (found.next <= this.#knownUpTo) return found;
    return { ...found, next: this.#given, refused: [] }; // the loss is accepted
  }

  /** Where there is no marker: whether an earlier life of this data may have published a record. */
  mayHavePublished(first: number, hasForeign: boolean): boolean {
    if (this.#options.acceptLoss || first >= this.#given) return false;
    return !isFirstNumber(first) || hasForeign;
  }

  #isForeign(marker: Marker): boolean {
    return !isOfData(marker, this.#options.owner.data);
  }

  /** Behind the highest number that this data may have published. */
  get #knownUpTo(): number {
    return Math.max(this.#given, this.#seen + 1);
  }
}
