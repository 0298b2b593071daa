/**
 * All partitions of a node under test, the ways between them, and the loop that makes things happen: step
 * by step, and when nothing more can happen now, on to the next time at which something is due.
 */

import { assert, unreachable } from "../base/assert.ts";
import type { Random } from "../base/backoff.ts";
import { deferred } from "../base/deferred.ts";
import { StatefoldError } from "../base/errors.ts";
import { type Address, addressKey } from "../model/address.ts";
import type { Invocation } from "../model/invocation.ts";
import { ownerOf } from "../model/owner.ts";
import { peerInput } from "../partition/peers.ts";
import { Host, type HostOptions, type OutwardRelease } from "./host.ts";
import type { Step, Timeline } from "./timeline.ts";

/** Addresses named when a node does not settle. */
const NAMED_CALLS = 3;
/** How far code of the test gets before the loop goes on without it, in turns of promises. */
const REACTION_TURNS = 100;

export interface EngineOptions extends Pick<HostOptions, "directory" | "call" | "onOpened"> {
  readonly partitions: number;
  readonly timeline: Timeline;
  readonly random: Random;
  /** How likely the node crashes before a step. */
  readonly crashes: number;
  readonly maxSteps: number;
  readonly onPublish: (from: Host, release: PublishRelease) => void;
}

export type PublishRelease = Extract<OutwardRelease, { readonly kind: "publish" }>;

export interface DriveOptions {
  /** Time moves on until then, where nothing can happen before. Default: it stands still. */
  readonly untilMs?: number;
  /** No crashes but those that are asked for. */
  readonly calm?: boolean;
}

export class Engine {
  readonly hosts: readonly Host[];
  /** Steps taken since the beginning, and crashes. */
  taken = 0;
  crashCount = 0;
  readonly #options: EngineOptions;
  #crashAt = Infinity;
  #isClosed = false;
  #isDriving = false;
  /** Who waits while another's loop runs. */
  #watchers: { readonly isDone: () => boolean; readonly resolve: () => void }[] = [];
  /** Code of the test that was started by the loop and has not ended. */
  #reactions = 0;
  #runaway: StatefoldError | undefined;
  #fault: { readonly error: unknown } | undefined;
  /** How often each address was called since the loop began. */
  readonly #calls = new Map<string, number>();
  #steps = 0;

  constructor(options: EngineOptions) {
    this.#options = options;
    const { partitions: count, directory, timeline, random, onOpened } = options;
    const call = (invocation: Invocation) => this.#call(invocation);
    const onRelease = (from: Host, release: OutwardRelease) => this.#release(from, release);
    this.hosts = Array.from(
      { length: count },
      (_, index) =>
        new Host({ index, count, directory, timeline, random, call, onRelease, onOpened }),
    );
  }

  async open(): Promise<void> {
    for (const host of this.hosts) await host.open();
  }

  ownerOf(address: Address): Host {
    const host = this.hosts[ownerOf(address, this.hosts.length) ?? 0];
    assert(host !== undefined, "an address without a partition");
    return host;
  }

  /** When so many steps more have been taken the node crashes, and comes back. */
  crashIn(steps: number): void {
    this.#crashAt = Math.min(this.#crashAt, this.taken + steps);
  }

  /**
   * Code of the test that runs beside the loop, and has been started by it. The loop lets it go on before
   * it ends, so that what it asks for happens now; what it throws ends the loop.
   */
  react(run: () => unknown): void {
    const failed = (error: unknown): void => {
      this.#fault ??= { error };
    };
    try {
      const running = run();
      if (!(running instanceof Promise)) return;
      this.#reactions++;
      running.catch(failed).finally(() => this.#reactions--);
    } catch (error) {
      failed(error);
    }
  }

  /** Ends it: nothing happens any more. */
  close(): void {
    this.#isClosed = true;
    for (const host of this.hosts) host.close();
  }

  /**
   * Goes on until `isDone`, or until nothing more can happen within the given time. While another loop
   * runs, that one does the work, as far as it goes.
   *
   * @returns whether it is done
   * @throws StatefoldError OVERLOADED after `maxSteps` steps; what a partition or the test itself threw
   */
  async drive(isDone: () => boolean, options: DriveOptions = {}): Promise<boolean> {
    while (this.#isDriving) {
      if (isDone()) return true;
      const { promise, resolve } = deferred<void>();
      this.#watchers.push({ isDone, resolve });
      await promise;
    }
    this.#isDriving = true;
    this.#steps = 0;
    this.#calls.clear();
    try {
      return await this.#loop(isDone, options);
    } finally {
      this.#isDriving = false;
      for (const { resolve } of this.#watchers.splice(0)) resolve();
    }
  }

  async #loop(isDone: () => boolean, options: DriveOptions): Promise<boolean> {
    const { timeline } = this.#options;
    const untilMs = options.untilMs ?? timeline.nowMs;
    for (;;) {
      this.#throwFault();
      if (this.#isClosed || isDone()) return isDone();
      if (this.taken >= this.#crashAt) {
        await this.#crash();
        continue;
      }
      if (options.calm !== true && this.#crashesNow()) await this.#crash();
      const step = timeline.take();
      if (step === undefined) {
        if ((await this.#letReact()) || this.#wakeNext(untilMs)) continue;
        return isDone();
      }
      const running = this.#count(step)();
      if (running instanceof Promise) await running;
      this.#tellWatchers();
    }
  }

  #count(step: Step): Step {
    this.taken++;
    if (++this.#steps > this.#options.maxSteps) {
      this.#runaway = this.#describeRunaway();
      throw this.#runaway;
    }
    return step;
  }

  #tellWatchers(): void {
    if (this.#watchers.length === 0) return;
    const done = this.#watchers.filter(({ isDone }) => isDone());
    if (done.length === 0) return;
    this.#watchers = this.#watchers.filter((watcher) => !done.includes(watcher));
    for (const { resolve } of done) resolve();
  }

  /** What waits for nothing but the node gets on. True: something has come of it. */
  async #letReact(): Promise<boolean> {
    for (let i = 0; i < REACTION_TURNS && this.#reactions > 0; i++) {
      await Promise.resolve();
      if (this.#fault !== undefined || this.#options.timeline.hasSteps) return true;
    }
    return false;
  }

  /** On to the next time at which something is due; false: there is none until then. */
  #wakeNext(untilMs: number): boolean {
    const { timeline } = this.#options;
    const due = this.hosts.map((host) => ({ host, atMs: host.dueMs ?? Infinity }));
    const nextMs = Math.min(timeline.nextAlarmMs ?? Infinity, ...due.map(({ atMs }) => atMs));
    timeline.moveTo(Math.min(nextMs, untilMs));
    if (nextMs > untilMs) return false;
    for (const { host, atMs } of due) if (atMs <= timeline.nowMs) host.wake();
    return true;
  }

  #crashesNow(): boolean {
    const { crashes, random } = this.#options;
    // A node that crashed while it comes up would hardly ever come up.
    return crashes > 0 && this.hosts.every((host) => host.isReady) && random() < crashes;
  }

  async #crash(): Promise<void> {
    this.#crashAt = Infinity;
    this.crashCount++;
    for (const host of this.hosts) host.crash();
    await this.open();
  }

  #call(invocation: Invocation) {
    const key = addressKey(invocation.target);
    this.#calls.set(key, (this.#calls.get(key) ?? 0) + 1);
    // A message is a step, so that what multiplies within one address is found too.
    this.#steps += invocation.messages.length;
    return this.#options.call(invocation);
  }

  #release(from: Host, release: OutwardRelease): void {
    switch (release.kind) {
      case "publish":
        return this.#options.onPublish(from, release);
      case "channel":
      case "acknowledge":
      case "resume":
        return this.#peer(release.to).offer(peerInput(from.index, release));
      default:
        return unreachable(release);
    }
  }

  #peer(index: number): Host {
    const peer = this.hosts[index];
    assert(peer !== undefined, `there is no partition ${index}`);
    return peer;
  }

  #throwFault(): void {
    // It would run away again, and whoever waits would wait for that.
    if (this.#runaway !== undefined) throw this.#runaway;
    const fault = this.#fault;
    this.#fault = undefined;
    if (fault !== undefined) throw fault.error;
  }

  #describeRunaway(): StatefoldError {
    const most = [...this.#calls].sort(([, a], [, b]) => b - a).slice(0, NAMED_CALLS);
    const named = most.map(([key, count]) => `${key} (${count} times)`).join(", ");
    const text = `the node has not come to rest after ${this.#options.maxSteps} steps. Called most often: ${named || "nothing"}. Messages that cause each other without an end never do; when these would, raise maxSteps`;
    return new StatefoldError("OVERLOADED", text);
  }
}
