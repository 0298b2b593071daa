import assert from "node:assert/strict";
import { test } from "node:test";
import { FramesOffer } from "../../src/invoke/frames-offer.ts";

class Clock {
  nowMs = 0;
  readonly read = (): number => this.nowMs;
}

/** How long the offer is not taken after a refusal. */
function pauseOf(offer: FramesOffer, clock: Clock): number {
  const fromMs = clock.nowMs;
  offer.refused();
  for (offer.offered(); !offer.isTaken; offer.offered()) clock.nowMs += 100;
  return clock.nowMs - fromMs;
}

test("nothing is taken that was not offered, unless the module says so", () => {
  const clock = new Clock();
  const offer = new FramesOffer({ nowMs: clock.read, isAssumed: false });
  assert(!offer.isTaken);
  offer.offered();
  assert(offer.isTaken);
  assert(new FramesOffer({ nowMs: clock.read, isAssumed: true }).isTaken);
});

test("the pause after a refusal grows from PAUSE_MS to PAUSE_MAX_MS", () => {
  const clock = new Clock();
  const offer = new FramesOffer({ nowMs: clock.read, isAssumed: false });
  offer.offered();
  const pauses = Array.from({ length: 8 }, () => pauseOf(offer, clock));
  assert.deepEqual(pauses, [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]);
});

test("refusals are forgotten when frames have been understood for CALM_MS", () => {
  const clock = new Clock();
  const offer = new FramesOffer({ nowMs: clock.read, isAssumed: false });
  offer.offered();
  for (let i = 0; i < 3; i++) pauseOf(offer, clock);
  clock.nowMs += 59_000;
  offer.understood();
  assert.equal(pauseOf(offer, clock), 8_000);
  clock.nowMs += 60_000;
  offer.understood();
  assert.equal(pauseOf(offer, clock), 1_000);
});

test("refusals of requests that left together count once", () => {
  const clock = new Clock();
  const offer = new FramesOffer({ nowMs: clock.read, isAssumed: true });
  offer.refused();
  offer.refused();
  clock.nowMs += 1_000;
  assert(offer.isTaken); // without being offered again
});
