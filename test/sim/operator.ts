/** A person at night: looks at what is stuck, and decides, while work goes on and nodes restart. */
import assert from "node:assert/strict";
import type { ErrorCode } from "../../src/base/errors.ts";
import { type Address, addressKey } from "../../src/model/address.ts";
import { deadRange, readDeadKey } from "../../src/partition/dead-letters.ts";
import { parkedRange } from "../../src/partition/parking.ts";
import type { NewTarget, OperatorVerb } from "../../src/partition/ports.ts";
import type { Entry } from "../../src/store/contract.ts";
import { type DeadRecord, decodeDead } from "../../src/store/records/dead.ts";
import { decodeParked, type ParkedRecord } from "../../src/store/records/parked.ts";
import type { Rng } from "../support/rng.ts";
import type { Answer, Desk } from "./desk.ts";
import { EGRESS, type Envelope, NOWHERE, SIDE_EGRESS, type SideRecord } from "./functions.ts";
import type { Host } from "./host.ts";
import type { Path } from "./paths.ts";
import { type Step, TYPES } from "./program.ts";
import { Purges } from "./purges.ts";
import { Resent } from "./resent.ts";
import type { Stage } from "./stage.ts";

/** What a dead letter is about, as far as the simulation is concerned. */
export type Dead =
  | { readonly kind: "step"; readonly name: string; readonly isPoison: boolean }
  | { readonly kind: "side"; readonly name: string; readonly fate: SideRecord["fate"] }
  | { readonly kind: "stray"; readonly name: string };

export function deadOf({ what }: DeadRecord): Dead {
  const { value } = what.kind === "message" ? what.message : what.record;
  const content: Partial<Envelope & SideRecord> = JSON.parse(Buffer.from(value.value).toString());
  const { step, name, fate, isStray = false } = content;
  if (step !== undefined && !isStray) {
    const isPoison = step.actions.some((action) => action.do === "poison");
    return { kind: "step", name: step.label, isPoison };
  }
  if (fate !== undefined) return { kind: "side", name: name ?? "", fate };
  return { kind: "stray", name: step?.label ?? name ?? "" };
}

export const nameOf = ({ kind, name }: Pick<Dead, "kind" | "name">): string => `${kind} ${name}`;
export const stepName = ({ label }: Step): string => nameOf({ kind: "step", name: label });

export class Operator {
  /** Labels that were sent again: out of their order. */
  readonly retried = new Set<string>();
  /** Dead letters that were purged; the value: somebody was told so. */
  readonly purged = new Map<string, boolean>();
  readonly purges = new Purges();
  readonly resent = new Resent();
  readonly #world: Stage;
  readonly #rng: Rng;
  readonly #desk: Desk;
  /** Addresses that were purged in part, and the life in which somebody was told so. */
  readonly #partly = new Map<string, number>();
  /** Decisions about each parked address without an answer. */
  readonly #openAt = new Map<string, number>();
  #open = 0;

  constructor(world: Stage, rng: Rng, desk: Desk) {
    this.#world = world;
    this.#rng = rng;
    this.#desk = desk;
  }

  get isSettled(): boolean {
    return this.#open === 0;
  }

  /** Whether a message of this content may be mail of an address. */
  belongs({ step, isStray = false }: Envelope, at: string): boolean {
    const places = isStray
      ? this.placesOf(nameOf({ kind: "stray", name: step.label }), undefined)
      : this.placesOf(stepName(step), addressKey(step.target));
    return places.includes(at);
  }

  /** Where it may be, unless it is a dead letter. */
  placesOf(name: string, first: string | undefined): readonly string[] {
    return this.resent.placesOf(name) ?? (first === undefined ? [] : [first]);
  }

  start(): void {
    this.#world.schedule.after(this.#rng.random() * this.#world.swarm.people.paceMs, () => {
      if (this.#world.isOver || this.#world.isDraining) return;
      this.#meddle();
      this.start();
    });
  }

  /** At the end of the night: nothing stays that can still be done. True when there was something. */
  clear(): boolean {
    let found = false;
    for (const host of this.#world.hosts) {
      if (host.partition === undefined) continue;
      for (const entry of parkedOn(host)) {
        found = true;
        this.#parked(host, entry);
      }
      for (const entry of deadOn(host)) {
        const dead = deadOf(decodeDead(entry.value));
        const isDoable =
          (dead.kind === "step" && !dead.isPoison) ||
          (dead.kind === "side" && dead.fate === "refused");
        if (!isDoable) continue;
        found = true;
        this.#retryDead(host, entry, dead, undefined);
      }
    }
    return found;
  }

  #meddle(): void {
    const host = this.#rng.pick(this.#world.hosts);
    if (host.partition === undefined) return;
    const parked = parkedOn(host);
    const dead = deadOn(host);
    if (parked.length > 0 && this.#rng.chance(0.5)) this.#parked(host, this.#rng.pick(parked));
    else if (dead.length > 0) this.#dead(host, this.#rng.pick(dead));
  }

  #parked(host: Host, { value }: Entry): void {
    const { address, code } = decodeParked(value);
    if (this.#rng.chance(this.#world.swarm.people.purging)) return this.#purge(host, address);
    const isSkip = code === "FUNCTION_FAILED" && this.#rng.chance(0.3);
    const kind = isSkip ? "skipParked" : "retryParked";
    const path = isSkip ? "parkedSkipped" : "parkedRetried";
    const at = addressKey(address);
    this.#decide(() => {
      this.#opened(at);
      const ended = (answer: Answer | undefined) => {
        this.#closed(at);
        if (answer?.kind === "refused") this.#refusedMeanwhile(answer);
        this.#hitIfFound(answer, path);
      };
      this.#submit(host, { kind, address }, ended);
    });
  }

  #purge(host: Host, address: Address): void {
    const at = addressKey(address);
    const { paths } = this.#world.faults;
    const partlyIn = this.#partly.get(at);
    paths.hitIf(partlyIn !== undefined && partlyIn !== host.generation, "purgedAfterRestart");
    this.#decide(() => {
      this.#opened(at);
      this.purges.decided(at);
      const record = host.partition?.parking.get(address);
      this.#submit(host, { kind: "purgeParked", address }, (answer) => {
        this.#closed(at);
        if (answer === undefined) {
          paths.hit("purgeUnheard");
          return this.purges.lost(at);
        }
        if (answer.kind === "operated" && answer.found !== undefined) {
          return this.#purged(host, address, answer, record);
        }
        this.purges.inVain(at);
        if (answer.kind === "refused") this.#refusedMeanwhile(answer);
      });
    });
  }

  /** `before`: its record as this was decided, if it was parked. */
  #purged(host: Host, address: Address, answer: Operated, before: ParkedRecord | undefined): void {
    const at = addressKey(address);
    const { found, messages, more } = answer;
    const { faults, swarm } = this.#world;
    assert.equal(found, at, "an answer about another address");
    assert(messages > 0, `${at} was purged of nothing`);
    const most = swarm.limits.mailboxMessagesInMemory;
    assert(messages <= most, `I9: ${messages} messages of ${at} were purged at once`);
    this.purges.told(at, messages);
    faults.paths.hit(more ? "purgedPartly" : "parkedPurged");
    if (more) {
      this.#partly.set(at, host.generation);
      this.#goOn(host, address);
    } else this.#partly.delete(at);
    // Somebody else may have decided about it since.
    if (this.#openAt.has(at)) return;
    const now = host.partition?.parking.get(address);
    if (more) assert(now !== undefined, `${at} has mail left, and is not parked any more`);
    // By then it may have been retried and parked again, and new mail may have parked it once more since.
    else assert(now === undefined || now !== before, `${at} is empty, and still parked`);
  }

  /** Most go on with the rest at once; it stays until somebody does. */
  #goOn(host: Host, address: Address): void {
    if (!this.#rng.chance(0.7)) return;
    this.#world.schedule.after(this.#rng.random() * 60, () => {
      const isUp = host.partition !== undefined && !this.#world.isDraining;
      if (isUp) this.#purge(host, address);
    });
  }

  /** While its mail is being read in order to be purged, nothing else is decided about an address. */
  #refusedMeanwhile({ code, reason }: Refused): void {
    assert.equal(code, "OVERLOADED", reason);
    assert(this.#world.swarm.people.purging > 0, "nobody purges anything");
    this.#world.faults.paths.hit("purgeMeetsOther");
  }

  #dead(host: Host, entry: Entry): void {
    const record = decodeDead(entry.value);
    const dead = deadOf(record);
    const isMissed = dead.kind === "step" && !dead.isPoison;
    const wasBefore = this.#world.schedule.nowMs - host.openedMs < 200 && host.generation > 2;
    this.#world.faults.paths.hitIf(wasBefore, "deadAfterRestart");
    const to = this.#rng.chance(this.#world.swarm.people.correcting)
      ? this.#elsewhere(record)
      : undefined;
    if (isMissed || to !== undefined || this.#rng.chance(0.5)) {
      return this.#retryDead(host, entry, dead, to);
    }
    const name = nameOf(dead);
    this.purged.set(name, this.purged.get(name) ?? false);
    const verb = { kind: "purgeDead", number: readDeadKey(entry.key) } as const;
    this.#decide(() =>
      this.#submit(host, verb, (answer) => {
        assert(answer?.kind !== "refused", "a purge was refused");
        if (this.#hitIfFound(answer, "deadPurged")) this.purged.set(name, true);
      }),
    );
  }

  /** Another place for a dead letter; some cannot be one. */
  #elsewhere({ what }: DeadRecord): NewTarget {
    const rng = this.#rng;
    const isNowhere = rng.chance(0.15);
    if (what.kind === "record") {
      const type = isNowhere ? NOWHERE : rng.pick([EGRESS, SIDE_EGRESS]);
      return { type, id: rng.chance(0.15) ? "x" : undefined };
    }
    const type = isNowhere ? NOWHERE : rng.pick(TYPES);
    const id = `id-${rng.int(this.#world.swarm.features.ids)}`;
    return { type, id: rng.chance(0.5) ? id : undefined };
  }

  #retryDead(host: Host, { key, value }: Entry, dead: Dead, to: NewTarget | undefined): void {
    const record = decodeDead(value);
    if (dead.kind === "step") this.retried.add(dead.name);
    const number = readDeadKey(key);
    const name = nameOf(dead);
    const letter = `${host.index}/${number}`;
    const place = placeOf(record, to);
    const refusal = to === undefined ? unaddressed(record) : refusalOf(host, record, to);
    this.#decide(() => {
      if (refusal === undefined) this.resent.decided(name, letter, place);
      this.#submit(host, { kind: "retryDead", number, to }, (answer) => {
        if (answer === undefined) return;
        if (answer.kind === "refused") {
          assert.equal(answer.code, refusal?.code, `${name} to ${place}: ${answer.reason}`);
          return this.#world.faults.paths.hit(refusal?.path ?? "sentToNoType");
        }
        const path = pathOf(dead, record, to);
        if (!this.#hitIfFound(answer, path)) return this.resent.inVain(name, letter, place);
        assert.equal(refusal, undefined, `${name} was sent to ${place}, where it cannot be`);
        this.resent.told(name, letter, place);
      });
    });
  }

  #opened(at: string): void {
    this.#openAt.set(at, (this.#openAt.get(at) ?? 0) + 1);
  }

  #closed(at: string): void {
    const count = (this.#openAt.get(at) ?? 0) - 1;
    if (count > 0) this.#openAt.set(at, count);
    else this.#openAt.delete(at);
  }

  #hitIfFound(answer: Answer | undefined, path: Path): boolean {
    const isFound = answer?.kind === "operated" && answer.found !== undefined;
    this.#world.faults.paths.hitIf(isFound, path);
    return isFound;
  }

  /** Sometimes two people decide the same at once. */
  #decide(submit: () => void): void {
    submit();
    if (this.#rng.chance(0.2)) submit();
  }

  /** `ended` gets undefined when the answer was lost. */
  #submit(host: Host, verb: OperatorVerb, ended: (answer: Answer | undefined) => void): void {
    this.#open++;
    const end = (answer: Answer | undefined) => {
      this.#open--;
      ended(answer);
    };
    const input = { kind: "operator", request: 0, verb } as const;
    this.#desk.submit(host, input, end, () => end(undefined));
  }
}

type Operated = Extract<Answer, { readonly kind: "operated" }>;
type Refused = Extract<Answer, { readonly kind: "refused" }>;

function placeOf({ what, egress }: DeadRecord, to: NewTarget | undefined): string {
  if (what.kind === "record") return to?.type ?? egress;
  const { type, id } = what.message.target;
  return addressKey({ type: to?.type ?? type, id: to?.id ?? id });
}

/** As src/partition/operator.ts must refuse it. */
function unaddressed({ what }: DeadRecord): ReturnType<typeof refusalOf> {
  const isKeyless = what.kind === "message" && what.message.target.type === "";
  return isKeyless ? { code: "REQUEST_INVALID", path: "sentWithoutId" } : undefined;
}

function refusalOf(host: Host, { what }: DeadRecord, to: NewTarget) {
  const { directory } = host;
  const refused = (code: ErrorCode, path: Path) => ({ code, path });
  if (what.kind === "record") {
    if (to.id !== undefined) return refused("REQUEST_INVALID", "sentToEgressWithId");
    const isKnown = directory.egress(to.type) !== undefined;
    return isKnown ? undefined : refused("NOT_FOUND", "sentToNoEgress");
  }
  if (directory.function(to.type) === undefined) return refused("TYPE_UNKNOWN", "sentToNoType");
  const hasId = (to.id ?? what.message.target.id) !== "";
  return hasId ? undefined : refused("REQUEST_INVALID", "sentWithoutId");
}

function pathOf(dead: Dead, { what }: DeadRecord, to: NewTarget | undefined): Path {
  const isMessage = what.kind === "message";
  if (to === undefined)
    return isMessage && dead.kind === "step" ? "deadRetried" : "deadRecordRetried";
  if (!isMessage) return "recordElsewhere";
  return dead.kind === "stray" ? "strayElsewhere" : "deadElsewhere";
}

const parkedOn = (host: Host): Entry[] => host.disk.list({ ...parkedRange(), limit: 1_000 });
const deadOn = (host: Host): Entry[] => host.disk.list({ ...deadRange(), limit: 1_000 });
