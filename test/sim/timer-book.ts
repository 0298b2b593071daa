/**
 * Every delayed message that functions scheduled: when it is due, and whether it was cancelled. A timer
 * never fires early, never after it was cancelled, and unless it was cancelled, exactly once.
 */
import assert from "node:assert/strict";
import type { Address } from "../../src/model/address.ts";
import type { NodeClock } from "./clock.ts";
import type { Paths } from "./paths.ts";
import type { Schedule } from "./schedule.ts";

interface Timer {
  readonly dueMs: number;
  readonly sinceMs: number;
  readonly type: string;
  /** `maybe`: it was due when it was cancelled, so it may have fired before. */
  fate: "waits" | "cancelled" | "maybe";
}

/** Takes a change back, should it not become durable. */
type Undo = (taken: () => void) => void;

/** Beyond this the partition has no timer in memory that is durable. */
const IN_MEMORY_MS = 121_000;

export class TimerBook {
  /** After an accepted loss of epochs nothing is certain any more. */
  isBelieved = true;
  /** True time of the last turn of the partition that owns the sender, before this one. */
  lastTurnMs = 0;
  readonly #clock: NodeClock;
  readonly #schedule: Schedule;
  readonly #paths: Paths;
  readonly #timers = new Map<string, Timer>();
  /** The label that each token stands for. */
  readonly #tokens = new Map<string, string>();

  constructor(clock: NodeClock, schedule: Schedule, paths: Paths) {
    this.#clock = clock;
    this.#schedule = schedule;
    this.#paths = paths;
  }

  /** Undefined: no function scheduled it. */
  fateOf(label: string): Timer["fate"] | undefined {
    return this.#timers.get(label)?.fate;
  }

  add(timer: { label: string; sender: Address; token: string; dueMs: number }, undo: Undo): void {
    const { label, sender, token, dueMs } = timer;
    if (token !== "") this.#cancel(sender, token, undo, "move");
    const before = this.#timers.get(label);
    const sinceMs = this.#schedule.nowMs;
    this.#timers.set(label, { dueMs, sinceMs, type: sender.type, fate: "waits" });
    undo(() => {
      if (before === undefined) this.#timers.delete(label);
      else this.#timers.set(label, before);
    });
    if (token === "") return;
    this.#setToken(scopeOf(sender, token), label, undo);
  }

  cancel(sender: Address, token: string, undo: Undo): void {
    this.#cancel(sender, token, undo, "cancel");
    this.#setToken(scopeOf(sender, token), undefined, undo);
  }

  /** A function gets a delayed message. */
  delivered(label: string, openedMs: number): void {
    const timer = this.#timers.get(label);
    if (timer === undefined || !this.isBelieved) return;
    this.#paths.hitIf(timer.sinceMs < openedMs, "timerAfterRestart");
    assert(timer.fate !== "cancelled", `${label} fired after it was cancelled`);
    const most = this.#clock.most(timer.sinceMs, this.#schedule.nowMs);
    assert(most >= timer.dueMs, `${label} fired ${timer.dueMs - most} ms early`);
  }

  /** The disk gets a timer: due exactly when it was scheduled for. */
  written(label: string, dueMs: number): void {
    const timer = this.#timers.get(label);
    if (timer === undefined || !this.isBelieved) return;
    assert.equal(dueMs, timer.dueMs, `when ${label} is due`);
    assert(timer.fate !== "cancelled", `${label} is written, though it was cancelled`);
  }

  #cancel(sender: Address, token: string, undo: Undo, why: "cancel" | "move"): void {
    const label = this.#tokens.get(scopeOf(sender, token));
    const timer = label === undefined ? undefined : this.#timers.get(label);
    if (timer === undefined || timer.fate === "cancelled") return;
    const { fate, dueMs, sinceMs } = timer;
    // It may have fired in any turn before this one; those of this turn come after the answers.
    const lastMs = Math.max(sinceMs, this.lastTurnMs);
    const isOld = sinceMs < this.#schedule.nowMs;
    const mayHaveFired = isOld && this.#clock.most(sinceMs, lastMs) >= dueMs;
    if (mayHaveFired) this.#paths.hit("cancelFired");
    else this.#observe(timer, sender, why, isOld);
    timer.fate = mayHaveFired || fate === "maybe" ? "maybe" : "cancelled";
    undo(() => {
      timer.fate = fate;
    });
  }

  #observe({ dueMs, type }: Timer, sender: Address, why: "cancel" | "move", isOld: boolean): void {
    const paths = this.#paths;
    const nowMs = this.#clock.now();
    paths.hitIf(dueMs <= nowMs, "timerMeetsCancel");
    paths.hitIf(isOld && dueMs > nowMs + IN_MEMORY_MS, "cancelOnDisk");
    paths.hitIf(type !== sender.type, "cancelOtherType");
    if (why === "move") paths.hit(isOld ? "tokenMoved" : "tokenMovedAtOnce");
  }

  #setToken(scope: string, label: string | undefined, undo: Undo): void {
    const before = this.#tokens.get(scope);
    if (label === undefined) this.#tokens.delete(scope);
    else this.#tokens.set(scope, label);
    undo(() => {
      if (before === undefined) this.#tokens.delete(scope);
      else this.#tokens.set(scope, before);
    });
  }
}

const scopeOf = (sender: Address, token: string): string => `${sender.id}\0${token}`;
