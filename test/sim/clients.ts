/** Callers over HTTP: they send, call, give up, ask again, race each other, and remember what they were told. */
import assert from "node:assert/strict";
import { callKey, onceKey } from "../../src/partition/calls.ts";
import type { CallInput, SendInput } from "../../src/partition/ports.ts";
import { decodeCall } from "../../src/store/records/call.ts";
import { decodeOnce } from "../../src/store/records/once.ts";
import type { Rng } from "../support/rng.ts";
import type { Answer, Desk } from "./desk.ts";
import { checkDurable } from "./durable.ts";
import { json, type Reply } from "./functions.ts";
import type { Host } from "./host.ts";
import { KeyGroup } from "./key-group.ts";
import { type Programs, type Step, TYPES } from "./program.ts";
import type { Stage } from "./stage.ts";

interface Op {
  readonly step: Step;
  readonly kind: "send" | "call";
  readonly group: KeyGroup | undefined;
  readonly delayMs: number;
  /** The runtime has promised that it will be done. */
  isCertain: boolean;
  isSettled: boolean;
  isRetrying: boolean;
  callId: string | undefined;
  /** Until when a reply was promised, and since which true time. */
  promised: { readonly untilMs: number; readonly sinceMs: number } | undefined;
  /** Requests that wait. */
  waiting: number;
  /** Calls and fetches, answered or not. */
  requests: { readonly host: Host; readonly request: number }[];
}

/** A program from outside; not certain: nobody was told whether it was accepted. */
export interface Root {
  readonly step: Step;
  readonly isCertain: boolean;
}

export class Clients {
  readonly #rng: Rng;
  readonly #world: Stage;
  readonly #desk: Desk;
  readonly #programs: Programs;
  readonly #ops: Op[] = [];
  /** By whom each message was replied to. */
  readonly #replies = new Map<string, string>();
  readonly #toldIn = new Map<KeyGroup, number>();
  #unborn: number;
  /** What somebody is going to do. */
  #planned = 0;

  constructor(parts: { rng: Rng; programs: Programs; world: Stage; desk: Desk }) {
    this.#rng = parts.rng;
    this.#programs = parts.programs;
    this.#world = parts.world;
    this.#desk = parts.desk;
    this.#unborn = parts.world.swarm.ops;
  }

  start(): void {
    this.#next();
  }

  get isDone(): boolean {
    return this.#unborn === 0;
  }

  get isSettled(): boolean {
    return this.isDone && this.#planned === 0 && this.#ops.every((op) => op.isSettled);
  }

  /** What was sent without a key. */
  roots(): Root[] {
    return this.#ops.filter((op) => op.group === undefined);
  }

  /** What was sent under each key: of the steps of one, one is handled for each message. */
  groups(): ReadonlyMap<KeyGroup, readonly Step[]> {
    const groups = new Map<KeyGroup, Step[]>();
    for (const { group, step } of this.#ops) {
      if (group === undefined) continue;
      groups.set(group, [...(groups.get(group) ?? []), step]);
    }
    return groups;
  }

  unsettled(): string[] {
    return this.#ops.filter((op) => !op.isSettled).map((op) => `${op.kind} ${op.step.label}`);
  }

  /** Nothing is being done any more: who waits for a reply that nobody will send, as far as one can know, goes. */
  giveUp(isGone: (step: Step) => boolean): void {
    for (const op of this.#ops) {
      const waiting = op.requests.filter(({ request }) => this.#desk.isWaiting(request));
      op.requests = waiting;
      if (waiting.length === 0) continue;
      const asked =
        op.group === undefined ? [op] : this.#ops.filter((each) => each.group === op.group);
      if (!asked.some(({ step }) => [step, ...repliersOf(step)].some(isGone))) continue;
      this.#world.faults.paths.hitIf(!this.#world.isLossy, "purgedCall");
      // It may have been done all the same: who replies in its stead may be who was purged.
      if (op.group !== undefined) op.group.isUncertain = true;
      for (const { host, request } of waiting) this.#leave(host, request, op);
    }
  }

  #next(): void {
    this.#later(60, () => {
      const { keys } = this.#world.swarm.features;
      const group =
        keys && this.#rng.chance(0.6) ? new KeyGroup(`key-${this.#ops.length}`) : undefined;
      const op = this.#born(this.#programs.root(), group);
      this.#send(op);
      if (group !== undefined && this.#rng.chance(0.1)) this.#namesake(op, group);
      if (--this.#unborn > 0) this.#next();
    });
  }

  #born(step: Step, group: KeyGroup | undefined): Op {
    const kind = this.#rng.chance(0.5) ? "call" : "send";
    const isDelayed = kind === "send" && this.#rng.chance(0.2);
    const op: Op = {
      ...{ step, group, kind, delayMs: isDelayed ? this.#rng.int(500) : 0 },
      ...{
        isCertain: false,
        isSettled: false,
        isRetrying: false,
        callId: undefined,
        promised: undefined,
        waiting: 0,
        requests: [],
      },
    };
    group?.labels.add(step.label);
    this.#ops.push(op);
    return op;
  }

  /** The same key at another type of the same id is another key. */
  #namesake({ step }: Op, { key }: KeyGroup): void {
    const { type, id } = step.target;
    const other = this.#rng.pick(TYPES.filter((each) => each !== type));
    this.#world.faults.paths.hit("onceNamesake");
    this.#send(this.#born(this.#programs.root({ type: other, id }), new KeyGroup(key)));
  }

  /** Somebody else with the same key, who means something else by it. */
  #rival(op: Op, maxMs: number): void {
    const { group, step } = op;
    if (group === undefined) return;
    this.#later(maxMs, () => this.#send(this.#born(this.#programs.root(step.target), group)));
  }

  #send(op: Op): void {
    const { step, kind, group } = op;
    const host = this.#world.ownerOf(step.target.id);
    const isBusy = host.partition === undefined || host.partition.isFull;
    if (isBusy) return this.#later(100, () => this.#send(op));
    const { paths } = this.#world.faults;
    if (group !== undefined) {
      // A client that does not wait: with the same key it may ask again at any time.
      if (!host.isForgetful && this.#rng.chance(0.25)) this.#later(20, () => this.#send(op));
      if (!this.isDone && this.#rng.chance(0.2)) this.#rival(op, this.#rng.pick([0.1, 50]));
      const isInFlight = this.#ops.some((other) => other.group === group && other.waiting > 0);
      paths.hitIf(kind === "call" && isInFlight, "onceInFlight");
    }
    const value = json({ step, from: "", nth: 0 }, step.pad);
    const rest = { target: step.target, value, traceparent: undefined, headers: [] };
    const common = { ...rest, request: 0, idempotencyKey: group?.key };
    if (kind === "send") {
      this.#submit(host, op, { kind, ...common, delayMs: op.delayMs });
      return;
    }
    const request = this.#submit(host, op, { kind, ...common });
    op.requests.push({ host, request });
    if (this.#rng.chance(0.4)) this.#giveUp(host, request, op);
  }

  #submit(host: Host, op: Op, input: SendInput | CallInput): number {
    const sinceMs = this.#world.schedule.nowMs;
    const { generation } = host;
    op.waiting++;
    op.isSettled = false;
    return this.#desk.submit(
      host,
      input,
      (answer) => {
        op.waiting--;
        this.#answered(host, op, answer, sinceMs, generation);
      },
      () => {
        op.waiting--;
        this.#lost(op);
      },
    );
  }

  #answered(
    host: Host,
    op: Op,
    answer: Answer,
    sinceMs: number | undefined,
    generation: number,
  ): void {
    const { paths } = this.#world.faults;
    if (!this.#world.isLossy) checkDurable(host, op.step, op.group, answer);
    switch (answer.kind) {
      case "accepted":
        this.#told(host, op, answer.messageId, sinceMs, generation);
        return this.#settle(op);
      case "replied": {
        const reply: Reply = JSON.parse(Buffer.from(answer.value.value).toString());
        const { label } = reply;
        if (op.group === undefined) assert.equal(label, op.step.label, "the reply of another call");
        else if (!this.#world.isLossy) op.group.replied(answer.messageId, label);
        this.#replied(op, answer.messageId, reply);
        this.#told(host, op, answer.messageId, sinceMs, generation);
        return this.#settle(op);
      }
      case "pending": {
        op.callId = answer.callId;
        op.isCertain ||= op.group === undefined;
        const [bytes] = host.disk.read([callKey(answer.callId)]);
        const untilMs = bytes === undefined ? 0 : decodeCall(bytes).expiresAtMs;
        if (op.group !== undefined) op.group.isUncertain = true;
        op.promised = { untilMs, sinceMs: this.#world.schedule.nowMs };
        return this.#later(this.#rng.pick([500, 4_000]), () => this.#fetch(op));
      }
      case "unknownCall": {
        const { promised, step } = op;
        const { clock, schedule, isLossy } = this.#world;
        const latest = clock.most(promised?.sinceMs ?? 0, schedule.nowMs);
        const isOver = promised !== undefined && latest >= promised.untilMs;
        assert(
          isOver || isLossy || op.group !== undefined,
          `the promised reply of ${step.label} is gone`,
        );
        paths.hitIf(isOver, "promiseExpired");
        return this.#settle(op);
      }
      case "refused":
        if (answer.code === "TYPE_UNKNOWN") return this.#retry(op);
        assert.equal(answer.code, "REQUEST_INVALID", answer.reason);
        assert(op.group !== undefined && op.kind === "call", `refused: ${answer.reason}`);
        paths.hit("onceOtherKind");
        return this.#settle(op);
      case "operated":
        return assert.fail("a caller was answered as an operator");
    }
  }

  /** Once for all attempts that were refused: they would become more and more while a type is missing. */
  #retry(op: Op): void {
    if (op.isRetrying) return;
    op.isRetrying = true;
    this.#later(200, () => {
      op.isRetrying = false;
      this.#send(op);
    });
  }

  /** The first reply counts, whoever asks for it, and however often. */
  #replied(op: Op, messageId: string, { by, label }: Reply): void {
    if (this.#world.isLossy) return;
    const known = this.#replies.get(messageId) ?? by;
    assert.equal(by, known, `${label} was replied to twice, differently`);
    this.#replies.set(messageId, by);
    const actions = this.#ops.find(({ step }) => step.label === label)?.step.actions ?? [];
    const isAlone = !actions.some((each) => each.do === "send" && isReplier(each.step));
    const first = `${label}#${actions.findIndex((each) => each.do === "reply")}`;
    assert(!isAlone || by === first, `${by} replied, ${first} came first`);
    if (op.callId === undefined || this.isDone || !this.#rng.chance(0.5)) return;
    this.#world.faults.paths.hit("fetchedTwice");
    this.#later(500, () => this.#fetch(op));
  }

  #told(
    host: Host,
    op: Op,
    messageId: string,
    sinceMs: number | undefined,
    generation: number,
  ): void {
    const { group } = op;
    op.isCertain = true;
    if (group === undefined || this.#world.isLossy) return;
    const { clock, schedule, faults } = this.#world;
    const [bytes] = host.disk.read([onceKey(op.step.target, group.key)]);
    const once = bytes === undefined ? undefined : decodeOnce(bytes);
    const before = group.messageIds.length;
    group.told(messageId, once, clock, sinceMs, schedule.nowMs);
    const first = this.#toldIn.get(group);
    if (before === group.messageIds.length) {
      faults.paths.hitIf(first !== undefined && first !== generation, "onceAfterRestart");
    } else if (before > 0) faults.paths.hit("onceExpired");
    if (first === undefined) this.#toldIn.set(group, generation);
  }

  /** It is answered: some ask again all the same, or another comes with the same key. */
  #settle(op: Op): void {
    op.isSettled = op.waiting === 0;
    if (op.group === undefined || this.isDone) return;
    const { retentionMs } = this.#world.swarm.limits;
    const maxMs = this.#rng.pick([100, Math.min(2 * retentionMs, 5_000)]);
    // Where the key may have expired, the same step would be done a second time.
    const isForgetful = retentionMs < 60_000;
    if (!isForgetful && this.#rng.chance(0.2)) this.#later(maxMs, () => this.#send(op));
    if (this.#rng.chance(0.2)) this.#rival(op, maxMs);
  }

  #lost(op: Op): void {
    if (op.callId !== undefined) this.#later(100, () => this.#fetch(op));
    else if (op.group !== undefined) {
      op.group.isUncertain = true;
      const isForgetful = this.#world.swarm.limits.retentionMs < 60_000;
      if (!isForgetful) return this.#later(100, () => this.#send(op));
      op.isSettled = op.waiting === 0;
      if (!this.isDone) this.#rival(op, 100);
    } else op.isSettled = true; // done or not: nobody told
  }

  #giveUp(host: Host, request: number, op: Op): void {
    const keep = op.group !== undefined || this.#rng.chance(0.6);
    const maxMs = this.#rng.pick([0.1, 100, 1_000]);
    this.#later(maxMs, () => {
      if (!this.#desk.isWaiting(request)) return;
      if (keep) host.offer({ kind: "hangUp", request, keep });
      else this.#leave(host, request, op);
    });
  }

  /** Nobody waits for ever where the reply may be among what was lost, and the loss accepted. */
  #giveUpWhenLost(host: Host, request: number, op: Op): void {
    this.#later(4_000, () => {
      if (!this.#desk.isWaiting(request)) return;
      if (this.#world.isLossy) this.#leave(host, request, op);
      else this.#giveUpWhenLost(host, request, op);
    });
  }

  #leave(host: Host, request: number, op: Op): void {
    host.offer({ kind: "hangUp", request, keep: false });
    this.#desk.forget(request);
    op.waiting--;
    op.isSettled = true;
  }

  #fetch(op: Op): void {
    const { callId } = op;
    assert(callId !== undefined);
    const host = this.#world.hosts[Number(callId.split("-")[0])];
    assert(host !== undefined);
    if (host.partition === undefined) return this.#later(100, () => this.#fetch(op));
    const { paths } = this.#world.faults;
    const [bytes] = host.disk.read([callKey(callId)]);
    const call = bytes === undefined ? undefined : decodeCall(bytes);
    if (call !== undefined) paths.hit(call.reply === undefined ? "fetchWaits" : "replyStored");
    const { generation } = host;
    op.waiting++;
    const request = this.#desk.submit(
      host,
      { kind: "fetch", request: 0, callId },
      (answer) => {
        op.waiting--;
        this.#answered(host, op, answer, undefined, generation);
      },
      () => {
        op.waiting--;
        this.#lost(op);
      },
    );
    op.requests.push({ host, request });
    this.#giveUpWhenLost(host, request, op);
  }

  #later(maxMs: number, run: () => void): void {
    this.#planned++;
    this.#world.schedule.after(this.#rng.random() * maxMs, () => {
      this.#planned--;
      run();
    });
  }
}

/** Those who reply in a step's stead. */
const repliersOf = ({ actions }: Step): Step[] =>
  actions.flatMap((each) => (each.do === "send" && isReplier(each.step) ? [each.step] : []));

const isReplier = (step: Step): boolean => step.actions.some((each) => each.do === "replyFor");
