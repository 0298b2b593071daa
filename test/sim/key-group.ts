/**
 * What is known of one idempotency key at one address: who used it, which message each was told, and
 * until when the runtime promised to remember. Within that time there is one message and one answer.
 */
import assert from "node:assert/strict";
import type { OnceRecord } from "../../src/store/records/once.ts";
import type { NodeClock } from "./clock.ts";

interface Promised {
  readonly messageId: string;
  expiresAtMs: number | undefined;
}

export class KeyGroup {
  readonly key: string;
  readonly labels = new Set<string>();
  /** A request was submitted and nobody told what became of it. */
  isUncertain = false;
  /** One was answered by a message, used anew after its time. */
  wasRenewed = false;
  readonly #promised: Promised[] = [];
  readonly #labelOf = new Map<string, string>();

  constructor(key: string) {
    this.key = key;
  }

  /** Messages that callers were told of. */
  get messageIds(): readonly string[] {
    return this.#promised.map(({ messageId }) => messageId);
  }

  /**
   * An answer names a message. `once`: what the disk says of the key at that moment. `fromTrueMs`: when it
   * was asked with the key; undefined: it was not, but with the call's id.
   */
  told(
    messageId: string,
    once: OnceRecord | undefined,
    clock: NodeClock,
    fromTrueMs: number | undefined,
    nowTrueMs: number,
  ): void {
    const known = this.#promised.find((each) => each.messageId === messageId);
    const expiresAtMs = once?.messageId === messageId ? once.expiresAtMs : undefined;
    if (known !== undefined) {
      known.expiresAtMs ??= expiresAtMs;
      if (fromTrueMs !== undefined) this.#sameAgain(known, clock, fromTrueMs, nowTrueMs);
      return;
    }
    const last = this.#promised.at(-1);
    const isNewer = last !== undefined && ageOf(messageId) > ageOf(last.messageId);
    if (isNewer && last.expiresAtMs !== undefined) {
      const latest = clock.most(0, nowTrueMs);
      assert(latest >= last.expiresAtMs, "one idempotency key, two messages");
      this.wasRenewed = true;
    }
    this.#promised.push({ messageId, expiresAtMs });
  }

  /** A reply names a message and carries a label: always the same. */
  replied(messageId: string, label: string): void {
    const known = this.#labelOf.get(messageId);
    assert(known === undefined || known === label, "one idempotency key, two answers");
    assert(this.labels.has(label), "the reply of another call");
    this.#labelOf.set(messageId, label);
  }

  #sameAgain({ expiresAtMs }: Promised, clock: NodeClock, from: number, now: number): void {
    if (expiresAtMs === undefined) return;
    assert(clock.least(from, now) < expiresAtMs, "an expired idempotency key was believed");
  }
}

/** Of two messages of one partition, the younger has the greater. */
function ageOf(messageId: string): number {
  const [, session = "", sequence = ""] = messageId.split("-");
  return Number.parseInt(session, 36) * 2 ** 24 + Number.parseInt(sequence, 36);
}
