/**
 * Names for new things: sequences, and the message ids made of them.
 *
 * The session counts openings of the partition and is durable before anything is handled, so an id is
 * never given twice, not even when the epoch that gave it was lost in a crash.
 */
export class Identity {
  readonly partition: number;
  readonly partitionCount: number;
  readonly session: number;
  nextSequence: number;
  readonly #idPrefix: string;

  constructor(partition: number, partitionCount: number, session: number, nextSequence: number) {
    this.partition = partition;
    this.partitionCount = partitionCount;
    this.session = session;
    this.nextSequence = nextSequence;
    this.#idPrefix = `${partition}-${session.toString(36)}-`;
  }

  sequence(): number {
    return this.nextSequence++;
  }

  /** `partition-session-sequence`, the numbers in base 36. */
  messageId(sequence: number): string {
    return this.#idPrefix + sequence.toString(36);
  }
}
