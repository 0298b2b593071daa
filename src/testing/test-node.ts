/**
 * A whole node under test: real partitions, stores and functions in this process, in memory, on a clock
 * that only the test moves. Same calls, same results: nothing here looks at the time of day, sleeps, or
 * draws on chance that has no seed.
 *
 * Whatever changes something begins at once, in the order of the calls; the promises that they give run
 * the node. So an operation may be asked for while another runs (in `after` and `onRecord`), and happens
 * at that very time.
 */

import type {
  AnyStatefulFunction,
  Duration,
  Functions,
  StatefulFunction,
  StateOf,
  States,
  ValueType,
} from "@statefold/sdk";
import { utf8 } from "../base/bytes.ts";
import { StatefoldError } from "../base/errors.ts";
import { type Address, sameAddress } from "../model/address.ts";
import type { OperatorVerb } from "../partition/ports.ts";
import { egressDestination } from "../store/keys.ts";
import { Callee, type FunctionFailure } from "./callee.ts";
import { hasMail, readDead, readIds, readParked, readState, readTimers } from "./durable.ts";
import { type DriveOptions, Engine, type PublishRelease } from "./engine.ts";
import type { Answer, Host, Question } from "./host.ts";
import { KnownTypes } from "./known-types.ts";
import { durationMs, functionsOf, type ResolvedOptions } from "./options.ts";
import { Outlets, type RecordQuery, type TestRecord } from "./outlets.ts";
import { seededRandom } from "./random.ts";
import {
  bytesOf,
  type CallOptions,
  named,
  refusalOf,
  type SendOptions,
  type TopicRecord,
  wireValue,
} from "./requests.ts";
import { Timeline } from "./timeline.ts";
import { Topics } from "./topics.ts";
import type { DeadView, ParkedView, TimerView } from "./views.ts";

export class TestNode {
  readonly #engine: Engine;
  readonly #timeline: Timeline;
  readonly #topics: Topics;
  readonly #outlets: Outlets;
  readonly #callee: Callee;
  readonly #types = new KnownTypes();
  readonly #namesKeys: boolean;
  #keys = 0;
  #isClosed = false;

  /** Use {@link testNode}. */
  constructor(options: ResolvedOptions) {
    const { binding, partitions, crashes, maxSteps } = options;
    this.#timeline = new Timeline(options.startMs);
    this.#namesKeys = crashes > 0;
    this.#callee = new Callee(options.functions, this.#types);
    this.#outlets = new Outlets(options.egresses, this.#types);
    const timeline = this.#timeline;
    this.#engine = new Engine({
      ...{ partitions, timeline, crashes, maxSteps, random: seededRandom(options.seed) },
      directory: {
        function: (type) => (this.#callee.serves(type) ? binding(type) : undefined),
        egress: (id) => this.#outlets.binding(id),
      },
      call: (invocation) => this.#callee.call(invocation, timeline.nowMs),
      onOpened: (host) => this.#topics.rewind(host.index),
      onPublish: (from, release) => this.#publish(from, release),
    });
    this.#topics = new Topics(options.feeds, this.#engine.hosts);
  }

  async open(): Promise<void> {
    await this.#engine.open();
    await this.settle();
  }

  /** What the clock says, in ms since the epoch. */
  get now(): number {
    return this.#timeline.nowMs;
  }

  // -----------------------------------------------------------------------------------------------
  // In
  // -----------------------------------------------------------------------------------------------

  /**
   * Sends a message, as over HTTP; resolves when it is accepted, durably. The function may not have been
   * called yet: {@link settle}.
   *
   * @returns the message's id
   * @throws StatefoldError TYPE_UNKNOWN, REQUEST_INVALID
   */
  async send<T>(
    target: Address,
    type: ValueType<T>,
    value: T,
    options: SendOptions = {},
  ): Promise<{ messageId: string }> {
    const delayMs = durationMs(options.delay ?? 0, "delay");
    const question = this.#ask(target, {
      ...{ kind: "send", target, delayMs, idempotencyKey: this.#key(options.key) },
      ...{ value: wireValue(type, value), traceparent: undefined, headers: [] },
    });
    const answer = await this.#answerTo(question);
    if (answer.kind === "accepted") return { messageId: answer.messageId };
    throw refusalOf(answer);
  }

  /**
   * Sends a message and waits for what the function replies to its caller, with everything that has to
   * happen before; read as `replyType`, or without one as the functions know it.
   *
   * @throws StatefoldError CALL_TIMEOUT when there is no reply (yet); the message stays accepted
   * @throws StatefoldError TYPE_UNKNOWN, REQUEST_INVALID; also for a reply of another type
   */
  async call<T, R = unknown>(
    target: Address,
    type: ValueType<T>,
    value: T,
    replyType?: ValueType<R>,
    options: CallOptions = {},
  ): Promise<R> {
    const untilMs = this.now + durationMs(options.within ?? 0, "within");
    const question = this.#ask(target, {
      ...{ kind: "call", target, idempotencyKey: this.#key(options.key) },
      ...{ value: wireValue(type, value), traceparent: undefined, headers: [] },
    });
    if (!(await this.#drive(() => question.isAnswered, { untilMs }))) {
      this.#engine.ownerOf(target).hangUp(question);
      throw this.#noReply(target);
    }
    const answer = await question.answer;
    if (answer.kind !== "replied") throw refusalOf(answer);
    if (replyType === undefined) return this.#types.read(answer.value) as R;
    const { typename } = answer.value;
    if (typename === replyType.typename) return replyType.deserialize(answer.value.value);
    const text = `${named(target)} replied with a ${typename}, not a ${replyType.typename}`;
    throw new StatefoldError("REQUEST_INVALID", text);
  }

  /**
   * Writes a record to a topic that the node reads; resolves when the node has taken it, durably.
   *
   * @throws StatefoldError TOPIC_UNKNOWN; RECORD_INVALID when its ingress says `onInvalid: stop`
   */
  async ingest<T = unknown>(topic: string, record: TopicRecord<T>): Promise<void> {
    this.#requireOpen();
    const { key, headers = {} } = record;
    const written = this.#topics.write(topic, {
      key: key === undefined ? undefined : bytesOf(key),
      value: this.#recordBytes(topic, record),
      headers: Object.entries(headers).map(([name, text]) => ({ key: name, value: bytesOf(text) })),
    });
    await this.#drive(() => written.isTaken());
    if (written.stopped !== undefined) throw written.stopped;
  }

  // -----------------------------------------------------------------------------------------------
  // Time
  // -----------------------------------------------------------------------------------------------

  /** Everything that can happen now happens. @throws StatefoldError OVERLOADED when that never ends */
  async settle(): Promise<void> {
    await this.#drive(() => false);
  }

  /**
   * Time moves on: from timer to timer (and retry to retry), in order, and everything settles at each.
   *
   * @param by so long, or until then
   */
  async advance(by: Duration | Date): Promise<void> {
    const untilMs = by instanceof Date ? by.getTime() : this.now + durationMs(by, "advance");
    await this.#drive(() => false, { untilMs });
  }

  /**
   * Something of the world around the node that happens later, while time is advanced. It may await what
   * it asks of the node, but not what moves time or settles. What it throws ends the running operation.
   */
  after(delay: Duration, run: () => unknown): void {
    this.#timeline.after(durationMs(delay, "after"), () => this.#engine.react(run));
  }

  // -----------------------------------------------------------------------------------------------
  // Trouble
  // -----------------------------------------------------------------------------------------------

  /**
   * Takes steps one at a time: a turn of a partition, a commit, a call of a function, its answer, a message
   * on its way. For looking at, or crashing, the middle of something.
   *
   * @returns whether there were so many
   */
  async step(count = 1): Promise<boolean> {
    let end: number | undefined;
    return await this.#drive(() => {
      end ??= this.#engine.taken + count;
      return this.#engine.taken >= end;
    });
  }

  /**
   * The node's memory is lost at this point, and comes back from what is durable. What was in the middle of
   * being done is done again by the next operation.
   */
  async crash(): Promise<void> {
    const before = this.crashCount;
    this.crashIn(0);
    await this.#drive(() => this.crashCount > before);
  }

  /** The node crashes when so many steps more have been taken, in the middle of whatever it does then. */
  crashIn(steps: number): void {
    this.#requireOpen();
    this.#engine.crashIn(steps);
  }

  /** How often it has crashed. */
  get crashCount(): number {
    return this.#engine.crashCount;
  }

  /** Other functions take over, as when their server is deployed again. States and messages stay. */
  deploy(functions: Functions): void {
    this.#callee.deploy(functionsOf(functions));
  }

  // -----------------------------------------------------------------------------------------------
  // Out. What the node shows of itself is what is durable: after settle() that is everything.
  // -----------------------------------------------------------------------------------------------

  /** The states of one instance, typed; undefined where there is no value. */
  state<S extends States>(fn: StatefulFunction<S>, id: string): StateOf<S> {
    const address = fn.at(id);
    return readState(this.#engine.ownerOf(address).contents, fn, address, this.now);
  }

  /** The ids of a function's instances that have state, sorted. */
  ids(fn: AnyStatefulFunction): string[] {
    return this.#engine.hosts.flatMap(({ contents }) => readIds(contents, fn.typename)).sort();
  }

  /** What has left through an egress, once each, in the order it left. @throws StatefoldError USAGE */
  records<T = unknown>(egress: string, query: RecordQuery<T> = {}): TestRecord<T>[] {
    return this.#outlets.records(egress, query);
  }

  /** Calls `listener` with each record as it leaves; the rest is as for {@link after}. */
  onRecord<T = unknown>(
    egress: string,
    query: RecordQuery<T>,
    listener: (record: TestRecord<T>) => unknown,
  ): void {
    this.#outlets.listen(egress, query, (record) => this.#engine.react(() => listener(record)));
  }

  /** What waits for its time, earliest first. */
  timers(): TimerView[] {
    const all = this.#engine.hosts.flatMap(({ contents }) => readTimers(contents, this.#types));
    return all.sort((a, b) => a.dueAtMs - b.dueAtMs);
  }

  /** Every call of a function that failed, in order, those that went well later included. */
  failures(): readonly FunctionFailure[] {
    return [...this.#callee.failures];
  }

  parked(): ParkedView[] {
    return this.#engine.hosts.flatMap(({ contents }) => readParked(contents, this.#types));
  }

  dead(): DeadView[] {
    return this.#engine.hosts.flatMap(({ contents, index }) =>
      readDead(contents, index, this.#types, this.#outlets),
    );
  }

  // -----------------------------------------------------------------------------------------------
  // What a person decides. False: there is nothing of that name.
  // -----------------------------------------------------------------------------------------------

  async retryParked(address: Address): Promise<boolean> {
    return await this.#decide(address, { kind: "retryParked", address });
  }

  /** The address's first message becomes a dead letter; it goes on with the next. */
  async skipParked(address: Address): Promise<boolean> {
    return await this.#decide(address, { kind: "skipParked", address });
  }

  /** @param id as in {@link dead} */
  async retryDead(id: string): Promise<boolean> {
    return await this.#decideDead(id, "retryDead");
  }

  /** @param id as in {@link dead} */
  async purgeDead(id: string): Promise<boolean> {
    return await this.#decideDead(id, "purgeDead");
  }

  /** Ends it. Idempotent. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#engine.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  // -----------------------------------------------------------------------------------------------

  #publish(from: Host, release: PublishRelease): void {
    const { egress, first, records } = release;
    this.#outlets.take(egress, from.index, first, records, this.now);
    const upTo = first + records.length - 1;
    from.offer({ kind: "acknowledged", destination: egressDestination(egress), upTo });
  }

  #ask(target: Address, ask: Parameters<Host["ask"]>[0]): Question {
    this.#requireOpen();
    return this.#engine.ownerOf(target).ask(ask);
  }

  async #answerTo(question: Question, options?: DriveOptions): Promise<Answer> {
    await this.#drive(() => question.isAnswered, options);
    return await question.answer;
  }

  async #decide(address: Address, verb: OperatorVerb): Promise<boolean> {
    const question = this.#ask(address, { kind: "operator", verb });
    const answer = await this.#answerTo(question, { calm: true });
    return answer.kind === "operated" && answer.found !== undefined;
  }

  async #decideDead(id: string, kind: "retryDead" | "purgeDead"): Promise<boolean> {
    this.#requireOpen();
    const [, partition, number] = /^(\d{1,6})-(\d{1,16})$/.exec(id) ?? [];
    const host = this.#engine.hosts[Number(partition)];
    if (host === undefined) return false;
    const question = host.ask({ kind: "operator", verb: { kind, number: Number(number) } });
    const answer = await this.#answerTo(question, { calm: true });
    return answer.kind === "operated" && answer.found !== undefined;
  }

  async #drive(isDone: () => boolean, options?: DriveOptions): Promise<boolean> {
    this.#requireOpen();
    return await this.#engine.drive(isDone, options);
  }

  #key(given: string | undefined): string | undefined {
    if (given !== undefined || !this.#namesKeys) return given;
    return `test-${++this.#keys}`;
  }

  #recordBytes<T>(topic: string, { value, type }: TopicRecord<T>): Uint8Array | undefined {
    const known = this.#types.get(this.#topics.valueType(topic));
    if (value === undefined) return undefined;
    if (type !== undefined) return type.serialize(value);
    if (typeof value === "string" || value instanceof Uint8Array) return bytesOf(value);
    return known === undefined ? utf8(JSON.stringify(value)) : known.serialize(value);
  }

  #noReply(target: Address): StatefoldError {
    const failure = this.#callee.failures.findLast(({ address }) => sameAddress(address, target));
    const isWaiting = hasMail(this.#engine.ownerOf(target).contents, target);
    const why =
      failure !== undefined && isWaiting ? `it failed: ${failure.reason}` : this.#nothingMore();
    return new StatefoldError("CALL_TIMEOUT", `${named(target)} has not replied: ${why}`);
  }

  #nothingMore(): string {
    const [next] = this.timers();
    if (next === undefined) return "nothing more will happen";
    const at = new Date(next.dueAtMs).toISOString();
    const timer = `a ${next.type} to ${named(next.target)}`;
    return `nothing more happens before ${at}, when ${timer} is due. { within } lets time move on`;
  }

  #requireOpen(): void {
    if (this.#isClosed) throw new StatefoldError("UNAVAILABLE", "the test node is closed");
  }
}
