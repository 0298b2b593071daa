/**
 * Drives one partition by hand, so that a test can stop between any two steps: a turn, the answer to a
 * read, the end of a commit, the answer of a function. Nothing happens by itself; `settle` does whatever
 * is outstanding but the invocations.
 */
import assert from "node:assert/strict";
import type { Address } from "../../src/model/address.ts";
import type { Effects, Outcome, StateSpec } from "../../src/model/invocation.ts";
import type { Message } from "../../src/model/message.ts";
import { partitionOf } from "../../src/model/partitioner.ts";
import type { TypedValue } from "../../src/model/typed-value.ts";
import { DEFAULT_LIMITS, type PartitionLimits } from "../../src/partition/limits.ts";
import type { Partition } from "../../src/partition/partition.ts";
import type {
  Commit,
  Directory,
  FunctionBinding,
  Input,
  ReadInput,
  ReadRequest,
  Release,
  StartedInvocation,
  Turn,
} from "../../src/partition/ports.ts";
import { type OpenOptions, openPartition } from "../../src/partition/recovery.ts";
import type { Entry, Write } from "../../src/store/contract.ts";
import { endOfPrefix, keyOf, partitionDestination, TAGS, type Tag } from "../../src/store/keys.ts";
import { SimDisk } from "../sim/disk.ts";

export const TYPE = "test/function";
export const EGRESS = "test/out";
export const PLAIN = "test/plain";

export const value = (text: string, typename = PLAIN): TypedValue => ({
  typename,
  hasValue: true,
  value: Buffer.from(text),
});

export const textOf = (typed: TypedValue): string => Buffer.from(typed.value).toString();

export const at = (id: string, type = TYPE): Address => ({ type, id });

const NOTHING: Effects = { messages: [], delayed: [], egress: [], mutations: [] };

export const effects = (some: Partial<Effects>): Effects => ({ ...NOTHING, ...some });

export const spec = (name: string, rest: Partial<StateSpec> = {}): StateSpec => ({
  ...{ name, typename: PLAIN, expireMode: "never", expireAfterMs: 0 },
  ...rest,
});

export const binding = (rest: Partial<FunctionBinding> = {}): FunctionBinding => ({
  endpoint: "test",
  onFailure: "park",
  retry: { maxAttempts: 1, initialMs: 10, maxMs: 1_000 },
  concurrency: 100,
  delivery: "immediate",
  maxBatchMessages: 100,
  ...rest,
});

/** A message as another partition sends it. */
export const message = (id: string, target: Address, text = id): Message => ({
  ...{ id, target, value: value(text), caller: undefined, causeId: undefined },
  ...{ acceptedAtMs: 1, traceparent: undefined, headers: [], recordAtMs: undefined },
});

export interface HarnessOptions {
  readonly functions?: Readonly<Record<string, FunctionBinding>>;
  readonly limits?: Partial<PartitionLimits>;
  readonly partition?: number;
  readonly partitionCount?: number;
  readonly disk?: SimDisk;
  readonly lostEpoch?: number | undefined;
  readonly snapshots?: boolean;
  /** Records leave only when a complete snapshot covers them. */
  readonly isHeld?: boolean;
}

type Kind = Release["kind"];
type ReleaseOf<K extends Kind> = Extract<Release, { readonly kind: K }>;

export class Harness {
  nowMs = 1_000_000;
  readonly disk: SimDisk;
  partition: Partition;
  /** Outstanding, in order. */
  readonly started: StartedInvocation[] = [];
  read: ReadRequest | undefined;
  commit: Commit | undefined;
  /** Everything released so far and not taken. */
  released: Release[] = [];
  wakeAtMs: number | undefined;
  readonly #options: HarnessOptions;
  #requests = 0;

  private constructor(options: HarnessOptions, disk: SimDisk, partition: Partition) {
    this.#options = options;
    this.disk = disk;
    this.partition = partition;
  }

  /** Opened on what its disk holds; its session is durable. */
  static async open(options: HarnessOptions = {}): Promise<Harness> {
    return (await Harness.opening(options)).settle();
  }

  /** Before its first turn. */
  static async opening(options: HarnessOptions = {}): Promise<Harness> {
    const disk = options.disk ?? new SimDisk();
    const partition = await openPartition(disk, partitionOptions(options));
    return new Harness(options, disk, partition);
  }

  /** A crash, and another life on what was durable. `applied`: the running commit reached the disk. */
  async reopen(
    options: Partial<HarnessOptions> & { readonly applied?: boolean } = {},
  ): Promise<Harness> {
    if (options.applied === true && this.commit !== undefined) {
      this.disk.apply(this.commit.writes, this.commit.epoch);
    }
    return await Harness.open({ ...this.#options, ...options, disk: this.disk });
  }

  /** Its number among the partitions. */
  get index(): number {
    return this.#options.partition ?? 0;
  }

  /** One turn, with these inputs. */
  turn(...inputs: readonly Input[]): Turn {
    for (const input of inputs) this.partition.offer(input);
    const turn = this.partition.turn(this.nowMs);
    if (turn.read !== undefined) {
      assert.equal(this.read, undefined, "two reads at once");
      this.read = turn.read;
    }
    if (turn.commit !== undefined) {
      assert.equal(this.commit, undefined, "two commits at once");
      this.commit = turn.commit;
    }
    this.started.push(...turn.invocations);
    this.released.push(...turn.releases);
    this.wakeAtMs = turn.wakeAtMs;
    return turn;
  }

  /** What the store says now to the outstanding read, which stays outstanding. */
  look(): ReadInput {
    assert(this.read !== undefined, "no read is outstanding");
    return {
      kind: "read",
      values: this.disk.read(this.read.keys),
      scans: this.read.ranges.map((range) => this.disk.list(range)),
    };
  }

  /** Answers the outstanding read, and turns. `seen`: what the store said earlier. */
  answerRead(seen?: ReadInput): Turn {
    const answer = seen ?? this.look();
    this.read = undefined;
    return this.turn(answer);
  }

  /** The outstanding commit becomes durable, and the partition learns of it in a turn. */
  completeCommit(): Turn {
    const { commit } = this;
    assert(commit !== undefined, "no commit is outstanding");
    this.commit = undefined;
    this.disk.apply(commit.writes, commit.epoch);
    return this.turn({ kind: "committed", epoch: commit.epoch });
  }

  /** Turns, answers reads and completes commits until nothing but invocations is outstanding. */
  settle(...inputs: readonly Input[]): this {
    this.turn(...inputs);
    for (let i = 0; i < 10_000; i++) {
      if (this.read !== undefined) this.answerRead();
      else if (this.commit !== undefined) this.completeCommit();
      else if (this.partition.epochs.dirtySinceMs !== undefined) this.turn();
      else if (this.turn().read === undefined && this.commit === undefined) return this;
    }
    throw new Error("it never settles");
  }

  /** Time passes; a turn comes when the partition asked for one, as often as it asks. */
  pass(ms: number): this {
    const untilMs = this.nowMs + ms;
    while (this.wakeAtMs !== undefined && this.wakeAtMs <= untilMs) {
      this.nowMs = Math.max(this.nowMs, this.wakeAtMs);
      this.settle();
      if (this.wakeAtMs !== undefined && this.wakeAtMs <= this.nowMs) break;
    }
    this.nowMs = untilMs;
    return this.settle();
  }

  /** Answers the oldest invocation, or the one of this id, and turns. */
  answer(outcome: Outcome, id?: string): StartedInvocation {
    const index = this.started.findIndex(
      ({ invocation }) => id === undefined || invocation.target.id === id,
    );
    const [started] = index === -1 ? [] : this.started.splice(index, 1);
    assert(started !== undefined, "no such invocation is outstanding");
    this.turn({ kind: "outcome", ticket: started.ticket, outcome });
    return started;
  }

  reply(some: Partial<Effects> = {}, id?: string): StartedInvocation {
    return this.answer({ kind: "reply", effects: effects(some) }, id);
  }

  fail(id?: string): StartedInvocation {
    return this.answer({ kind: "failed", reason: "it threw" }, id);
  }

  /** The bodies of the messages in the oldest invocation. */
  get batch(): string[] | undefined {
    return this.started[0]?.invocation.messages.map((each) => textOf(each.value));
  }

  send(
    target: Address,
    text: string,
    rest: { readonly key?: string; readonly delayMs?: number; readonly bytes?: number } = {},
  ): Input {
    const body = value(text.padEnd(rest.bytes ?? 0, "."));
    return { kind: "send", ...this.#request(target, body, rest.key), delayMs: rest.delayMs ?? 0 };
  }

  call(target: Address, text: string, key?: string): Extract<Input, { kind: "call" }> {
    return { kind: "call", ...this.#request(target, value(text), key) };
  }

  operator(verb: Extract<Input, { kind: "operator" }>["verb"]): Input {
    return { kind: "operator", request: ++this.#requests, verb };
  }

  fetch(callId: string): Extract<Input, { kind: "fetch" }> {
    return { kind: "fetch", request: ++this.#requests, callId };
  }

  /** Takes out what was released of this kind. */
  take<K extends Kind>(kind: K): ReleaseOf<K>[] {
    const taken = this.released.filter((release): release is ReleaseOf<K> => release.kind === kind);
    this.released = this.released.filter((release) => release.kind !== kind);
    return taken;
  }

  /** The entries on the disk under a tag. */
  stored(tag: Tag): Entry[] {
    const from = keyOf(tag);
    return this.disk.list({ from, until: endOfPrefix(from), limit: Infinity });
  }

  /** What the outstanding commit writes under a tag. */
  writes(tag: Tag): Write[] {
    return this.commit?.writes.filter(({ key }) => key[0] === TAGS[tag]) ?? [];
  }

  #request(target: Address, body: TypedValue, key: string | undefined) {
    return {
      ...{ request: ++this.#requests, target, value: body, idempotencyKey: key },
      ...{ traceparent: undefined, headers: [] },
    };
  }
}

export function partitionOptions(options: HarnessOptions): OpenOptions {
  const functions = options.functions ?? { [TYPE]: binding() };
  const directory: Directory = {
    function: (type) => functions[type],
    egress: (id) =>
      id === EGRESS
        ? {
            check: (typed) => (typed.typename === "bad" ? "it is bad" : undefined),
            release: options.isHeld === true ? "snapshot" : "commit",
          }
        : undefined,
  };
  return {
    ...{ formatVersion: 1, application: "test" },
    partition: options.partition ?? 0,
    partitionCount: options.partitionCount ?? 1,
    limits: { ...DEFAULT_LIMITS, commitLingerMs: 0, ...options.limits },
    directory,
    random: () => 0.5,
    lostEpoch: options.lostEpoch,
    snapshots: options.snapshots,
  };
}

/** An id that this partition owns. */
export function idIn(partition: number, partitionCount: number): string {
  for (let i = 0; ; i++) if (partitionOf(`id-${i}`, partitionCount) === partition) return `id-${i}`;
}

/** Carries what leaves for a peer, and the answers, until both are quiet. Returns how often. */
export function connect(a: Harness, b: Harness): number {
  for (let carried = 0; carried < 1_000; ) {
    const before = carried;
    for (const [from, to] of [
      [a, b],
      [b, a],
    ] as const) {
      const source = from.index;
      const destination = partitionDestination(source);
      for (const { first, since, messages, barrier } of from.take("channel")) {
        carried++;
        to.settle({ kind: "channel", from: source, first, since, messages, barrier });
      }
      for (const { upTo, barrier } of from.take("acknowledge")) {
        carried++;
        to.settle({ kind: "acknowledged", destination, upTo, barrier });
      }
      for (const { next, barrier } of from.take("resume")) {
        carried++;
        to.settle({ kind: "resume", destination, next, barrier });
      }
    }
    if (carried === before) return carried;
  }
  throw new Error("they never stop talking");
}
