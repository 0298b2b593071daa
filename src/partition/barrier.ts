/**
 * The cut of a partition for a snapshot, and when it is taken (I7).
 *
 * Owns the number of the last cut, the number that is wanted, and the inputs that wait for it. Does not own
 * what is done with a cut, nor which numbers there are: a coordinator outside gives them, each greater than
 * those before.
 *
 * A cut falls between two epochs. Number N is wanted when the coordinator announces it, or when an input of
 * a partition shows that its sender has cut already. Then the epoch being filled is ended, by a commit that
 * holds N, even if nothing else is in it. When that commit is durable, and before the next one starts, the
 * turn says so (`Turn.cut`) and the driver takes the store's snapshot. Nothing waits for a cut but what must
 * not be in it.
 *
 * The rule (Lai and Yang's colouring of Chandy and Lamport's cuts): batches of channels, acknowledgements
 * and resumes carry the sender's number, and **a receiver that has a lower one cuts before anything of that
 * input is applied**. Such inputs are held here, in order, and applied as soon as the cut is taken; nobody
 * else's are. How many can be held is bounded by what a sender has in flight (its outbox's window).
 *
 * Why that makes a consistent cut. Whatever a partition tells another one is durable when it is told (I2).
 * It is told with the number of that moment: so it was true before the teller's next cut, and is in it.
 *
 * - A batch says "these are in my outbox, under these numbers". Taken before the receiver's cut N, it had
 *   a lower number than N: so the sender's cut N holds them as sent. No message is received that was not
 *   sent.
 * - An acknowledgement says "I have everything up to here", after which the sender deletes. Applied before
 *   the sender's cut N, it had a lower number than N: so the receiver's cut N has them. Applied after it,
 *   they are in the sender's cut, in its outbox. No message is lost between the two. Without the number
 *   it could be: taken by the receiver after its cut, deleted by the sender before its own. A resume is an
 *   acknowledgement, too.
 * - What the commit of the cut itself made durable is told with the number before: it is in the cut, so
 *   whoever hears of it before his own cut may. With the new number it would be right as well.
 * - What is sent again (an old entry, after the cut) is told with the number of now: it makes the receiver
 *   cut first, and is then in the sender's cut as sent and in nobody's as received. With the number it was
 *   first told with it would be right as well. A greater number than necessary is always right, a lower
 *   one never.
 *
 * The topic log takes part as a partition does (log/topic-log.ts): runs of records that were read from it and
 * its acknowledgements carry its number, what is published to it that of the partition. Its cut is where its
 * topics end, and with them what it remembers of who published. So a position in a cut is within the log's;
 * what was acknowledged before the cut is in the log's, what is published after it is not. The rest of
 * the world has no cut: it is as it is when a snapshot is restored.
 *
 * The number is durable before it is ever used, since it is in the commit that ends the cut's epoch. Were it
 * forgotten in a crash after the cut, what is sent from then on would go out under the number before, and be
 * taken by peers that have not cut yet: received, and not sent.
 *
 * - A number that is not greater than the last is ignored. From N to N+3 is one cut, of number N+3.
 * - One wanted while a commit runs is held by the next commit. Two cuts never fall together.
 * - While a partition opens nothing is applied, so a barrier waits for its session.
 * - After a crash between the commit that holds N and the cut there is no cut N of this partition: the
 *   coordinator gives that snapshot up, and the next number is another one.
 * - A cut that was handed over stays right when the partition crashes afterwards, since it goes on from what
 *   was durable. Only when a loss of epochs was accepted, snapshots that are not complete must be given up.
 */
import type { Epochs } from "./epochs.ts";
import type { Input } from "./ports.ts";
import { Weight } from "./weight.ts";

export class Barrier {
  /** What the held inputs will weigh once they are applied. */
  readonly heldWeight = new Weight();
  readonly #epochs: Epochs;
  /** Of the last cut; durable. */
  #number: number;
  #wanted: number;
  /** In the commit that is running. */
  #committing: number | undefined;
  #held: Input[] = [];

  constructor(epochs: Epochs, number: number) {
    this.#epochs = epochs;
    this.#number = number;
    this.#wanted = number;
  }

  /** What is told to other partitions is told with this number. */
  get number(): number {
    return this.#number;
  }

  /** The greatest number that was asked for; greater than {@link number} while a cut is due. */
  get wanted(): number {
    return this.#wanted;
  }

  /** Inputs that wait for a cut. */
  get held(): number {
    return this.#held.length;
  }

  /** A cut of this number is to be taken, unless one of it or of a greater one was. */
  want(barrier: number): void {
    if (barrier <= this.#wanted) return;
    this.#wanted = barrier;
    this.#epochs.touch();
    this.#epochs.hurry();
  }

  /** True: nothing of it may be applied yet. It is kept, and comes out of {@link committed}. */
  holds(input: Input): boolean {
    const sent = numberOf(input);
    if (sent <= this.#number) return false;
    this.want(sent);
    this.#held.push(input);
    this.heldWeight.add(input);
    return true;
  }

  /** A commit starts: the number that it must hold. */
  begin(): number {
    this.#committing = this.#wanted;
    return this.#wanted;
  }

  /** The commit is durable. Returns the inputs that were held when it was the last of a cut, in order. */
  committed(): readonly Input[] | undefined {
    const number = this.#committing;
    this.#committing = undefined;
    if (number === undefined || number === this.#number) return undefined;
    this.#number = number;
    const held = this.#held;
    this.#held = [];
    this.heldWeight.clear();
    return held;
  }
}

/** The number that the sender of an input had; 0 for what comes from elsewhere. */
function numberOf(input: Input): number {
  if (input.kind === "channel" || input.kind === "resume") return input.barrier;
  if (input.kind === "acknowledged" || input.kind === "source") return input.barrier ?? 0;
  return 0;
}
