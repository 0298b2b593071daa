/** One simulated node and everything around it, from one seed. */
import assert from "node:assert/strict";
import { unreachable } from "../../src/base/assert.ts";
import { partitionOf } from "../../src/model/partitioner.ts";
import { DEFAULT_LIMITS, type PartitionLimits } from "../../src/partition/limits.ts";
import { egressDestination, partitionDestination } from "../../src/partition/outboxes.ts";
import type { Directory, FunctionBinding, Release } from "../../src/partition/ports.ts";
import { createRng, type Rng } from "../support/rng.ts";
import { Account } from "./account.ts";
import { Clients } from "./clients.ts";
import { Faults } from "./faults.ts";
import { EGRESS, SimFunctions } from "./functions.ts";
import { Host } from "./host.ts";
import { BURYING, PARKING, Programs, SKIPPING } from "./program.ts";
import { Receiver } from "./receiver.ts";
import { Schedule } from "./schedule.ts";
import { Source } from "./source.ts";
import type { Stage } from "./stage.ts";

/** Everything must have drained so long after the faults ended. */
const LIVENESS_MS = 60 * 60 * 1000;

export interface Result {
  readonly seed: number;
  readonly steps: number;
  readonly simulatedMs: number;
  readonly crashes: number;
  readonly labels: number;
}

export class World implements Stage {
  readonly seed: number;
  readonly schedule = new Schedule();
  readonly functions = new SimFunctions();
  readonly receiver = new Receiver();
  readonly hosts: Host[] = [];
  readonly clients: Clients;
  readonly sources: Source[] = [];
  readonly account: Account;
  readonly #rng: Rng;
  readonly #faults: Faults;
  #pendingOpens: Host[] = [];
  #crashes = 0;
  /** The run has ended: what repeats itself stops. */
  isOver = false;

  constructor(seed: number) {
    this.seed = seed;
    const rng = createRng(seed);
    this.#rng = rng;
    this.#faults = new Faults(rng.fork());
    const count = 1 + rng.int(8);
    const limits = randomLimits(rng);
    for (let index = 0; index < count; index++) {
      this.hosts.push(
        new Host({
          ...{ index, count, limits, directory: DIRECTORY, functions: this.functions },
          ...{ schedule: this.schedule, rng: rng.fork(), faults: this.#faults },
          onRelease: (from, release) => this.#release(from, release),
          onFailure: (host) => this.#restart(host, 5 + rng.random() * 50),
        }),
      );
    }
    const on = (probability: number): boolean => rng.chance(probability);
    const programs = new Programs(rng.fork(), {
      ids: 2 + rng.int(20),
      maxDepth: 1 + rng.int(4),
      failures: on(0.6),
      poison: on(0.5),
      strays: on(0.5),
      timers: on(0.7),
      expiry: on(0.5),
    });
    this.account = new Account(this.functions, this.receiver);
    this.clients = new Clients({ rng: rng.fork(), programs, world: this });
    for (let i = rng.int(4); i > 0; i--) {
      this.sources.push(new Source(i, rng.fork(), programs, this));
    }
  }

  ownerOf(id: string): Host {
    const host = this.hosts[partitionOf(id, this.hosts.length)];
    assert(host !== undefined);
    return host;
  }

  async run(): Promise<Result> {
    for (const host of this.hosts) await this.#open(host);
    this.clients.start();
    for (const source of this.sources) source.start();
    const startedMs = this.schedule.nowMs;
    while (!this.#isWorkGiven && this.schedule.nowMs < startedMs + LIVENESS_MS) {
      if (!(await this.#step(startedMs + LIVENESS_MS))) break;
    }
    await this.#drain();
    this.isOver = true;
    for (const host of this.hosts) host.auditQuiet();
    const roots = [...this.clients.roots(), ...this.sources.flatMap((source) => source.roots())];
    this.account.close(this.hosts, roots);
    return {
      seed: this.seed,
      steps: this.schedule.steps,
      simulatedMs: this.schedule.nowMs - startedMs,
      crashes: this.#crashes,
      labels: this.receiver.taken.length,
    };
  }

  async #step(untilMs: number): Promise<boolean> {
    if (!this.schedule.step(untilMs)) return false;
    for (const host of this.#pendingOpens.splice(0)) await this.#open(host);
    if (this.#rng.chance(this.#faults.crash)) this.#crashNode();
    return true;
  }

  get #isWorkGiven(): boolean {
    return this.clients.isDone && this.sources.every((source) => source.isDone);
  }

  /** The faults end, operators clear what is stuck, and everything drains (I10). */
  async #drain(): Promise<void> {
    this.#faults.end();
    const untilMs = this.schedule.nowMs + LIVENESS_MS;
    this.functions.cured = true;
    while (!this.#isQuiet) {
      this.clients.clearStuck();
      const before = this.schedule.nowMs;
      while (this.schedule.nowMs < before + 5_000 && !this.#isQuiet) {
        if (!(await this.#step(untilMs))) break;
      }
      assert(this.schedule.nowMs < untilMs - 10_000, `I10: not drained: ${this.#stuck()}`);
    }
  }

  get #isQuiet(): boolean {
    return (
      this.clients.isSettled &&
      this.sources.every((source) => source.isTaken) &&
      this.hosts.every((host) => {
        if (host.partition === undefined) return false;
        const { ledger, epochs } = host.partition;
        const isClean = !epochs.isCommitting && epochs.dirtySinceMs === undefined;
        return isClean && ledger.mail + ledger.timers + ledger.outbox === 0;
      })
    );
  }

  #stuck(): string {
    return JSON.stringify({
      clients: this.clients.isSettled,
      sources: this.sources.map((source) => source.isTaken),
      hosts: this.hosts.map((host) => ({
        ledger: host.partition?.ledger,
        mail: [...(host.partition?.mailboxes.values() ?? [])].map((box) => [
          box.key,
          box.count,
          box.phase,
        ]),
      })),
    });
  }

  async #open(host: Host): Promise<void> {
    await host.open();
    for (const source of this.sources) source.opened(host);
  }

  #restart(host: Host, delayMs: number): void {
    host.crash();
    this.clients.lost(host);
    this.schedule.after(delayMs, () => {
      if (host.life.kind === "down") this.#pendingOpens.push(host);
    });
  }

  #crashNode(): void {
    this.#crashes++;
    const delayMs = this.#rng.random() * 200;
    for (const host of this.hosts) {
      if (host.life.kind === "up") this.#restart(host, delayMs);
    }
  }

  #release(from: Host, release: Release): void {
    switch (release.kind) {
      case "publish": {
        const destination = egressDestination(release.egress);
        return from.publish(() => {
          const upTo = this.receiver.take(from.index, release.first, release.records);
          from.offer({ kind: "acknowledged", destination, upTo });
        });
      }
      case "channel": {
        const { first, since, messages } = release;
        return this.#toPeer(from, release.to, (host) =>
          host.offer({ kind: "channel", from: from.index, first, since, messages }),
        );
      }
      case "acknowledge": {
        const { upTo } = release;
        const destination = partitionDestination(from.index);
        return this.#toPeer(from, release.to, (host) =>
          host.offer({ kind: "acknowledged", destination, upTo }),
        );
      }
      case "resume": {
        const { next } = release;
        const destination = partitionDestination(from.index);
        return this.#toPeer(from, release.to, (host) =>
          host.offer({ kind: "resume", destination, next }),
        );
      }
      case "accepted":
      case "replied":
      case "pending":
      case "unknownCall":
      case "refused":
      case "operated":
        return this.clients.answered(from, release);
      default:
        return unreachable(release);
    }
  }

  /** Between partitions: late, sometimes twice, in any order; lost only with the receiver's memory. */
  #toPeer(from: Host, to: number, deliver: (host: Host) => void): void {
    const peer = this.hosts[to];
    assert(peer !== undefined && peer !== from, "a release to nobody");
    const { generation } = peer;
    const send = () =>
      this.schedule.after(this.#rng.random() * 5, () => {
        if (generation === peer.generation) deliver(peer);
      });
    send();
    if (this.#rng.chance(this.#faults.doubles)) send();
  }
}

const binding = (onFailure: FunctionBinding["onFailure"], rest: Partial<FunctionBinding> = {}) => ({
  endpoint: "sim",
  onFailure,
  retry: { maxAttempts: 4, initialMs: 5, maxMs: 200 },
  concurrency: 8,
  delivery: "immediate" as const,
  maxBatchMessages: 100,
  ...rest,
});

const FUNCTIONS: Readonly<Record<string, FunctionBinding>> = {
  [PARKING]: binding("park"),
  [BURYING]: binding("deadLetter", { delivery: "committed", concurrency: 2 }),
  [SKIPPING]: binding("skip", { maxBatchMessages: 3 }),
};

const DIRECTORY: Directory = {
  function: (type) => FUNCTIONS[type],
  egress: (id) => (id === EGRESS ? { check: () => undefined } : undefined),
};

/** Bounds small enough that every one of them is met. */
function randomLimits(rng: Rng): PartitionLimits {
  const small = rng.chance(0.7);
  if (!small) return DEFAULT_LIMITS;
  return {
    ...DEFAULT_LIMITS,
    unfinishedMessages: 5 + rng.int(50),
    unfinishedBytes: rng.pick([5_000, DEFAULT_LIMITS.unfinishedBytes]),
    mailBytesInMemory: rng.pick([0, 1_000, 5_000, 1_000_000]),
    mailboxMessagesInMemory: 1 + rng.int(5),
    batchBytes: 500 + rng.int(2_000),
    callBytes: rng.pick([1, 2_000, DEFAULT_LIMITS.callBytes]),
    stateCacheBytes: rng.pick([0, 1_000, 1_000_000]),
    outboxBytesInMemory: rng.pick([1, 1_000, 10_000]),
    outboxBytes: rng.pick([1_000, 5_000, DEFAULT_LIMITS.outboxBytes]),
    parkedAddresses: rng.pick([5, 20, DEFAULT_LIMITS.parkedAddresses]),
    timersInMemory: 1 + rng.int(5),
    timerBytesInMemory: rng.pick([1, 1_000, DEFAULT_LIMITS.timerBytesInMemory]),
    commitLingerMs: rng.int(20),
    epochBytes: rng.pick([1_000, 5_000, 1_000_000]),
  };
}
