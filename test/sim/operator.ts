/** A person at night: looks at what is stuck, and decides, while work goes on and nodes restart. */
import { deadRange, readDeadKey } from "../../src/partition/dead-letters.ts";
import { parkedRange } from "../../src/partition/parking.ts";
import type { OperatorVerb } from "../../src/partition/ports.ts";
import type { Entry } from "../../src/store/contract.ts";
import { type DeadRecord, decodeDead, decodeParked } from "../../src/store/records.ts";
import type { Rng } from "../support/rng.ts";
import type { Desk } from "./desk.ts";
import type { Envelope, SideRecord } from "./functions.ts";
import type { Host } from "./host.ts";
import type { Path } from "./paths.ts";
import type { Stage } from "./stage.ts";

/** What a dead letter is about, as far as the simulation is concerned. */
export type Dead =
  | { readonly kind: "step"; readonly name: string; readonly isPoison: boolean }
  | { readonly kind: "side"; readonly name: string; readonly fate: SideRecord["fate"] }
  | { readonly kind: "stray"; readonly name: string };

export function deadOf({ what }: DeadRecord): Dead {
  const { value } = what.kind === "message" ? what.message : what.record;
  const content: Partial<Envelope & SideRecord & { keyless: number }> = JSON.parse(
    Buffer.from(value.value).toString(),
  );
  const { step, name, fate, keyless } = content;
  if (step !== undefined) {
    const isPoison = step.actions.some((action) => action.do === "poison");
    return { kind: "step", name: step.label, isPoison };
  }
  if (fate !== undefined) return { kind: "side", name: name ?? "", fate };
  return { kind: "stray", name: name ?? `keyless ${keyless}` };
}

export class Operator {
  /** Labels that were sent again: out of their order. */
  readonly retried = new Set<string>();
  /** Dead letters that were purged; the value: somebody was told so. */
  readonly purged = new Map<string, boolean>();
  readonly #world: Stage;
  readonly #rng: Rng;
  readonly #desk: Desk;
  #open = 0;

  constructor(world: Stage, rng: Rng, desk: Desk) {
    this.#world = world;
    this.#rng = rng;
    this.#desk = desk;
  }

  get isSettled(): boolean {
    return this.#open === 0;
  }

  start(): void {
    this.#world.schedule.after(this.#rng.random() * 400, () => {
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
        this.#retryDead(host, entry, dead);
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
    const isSkip = code === "FUNCTION_FAILED" && this.#rng.chance(0.3);
    const kind = isSkip ? "skipParked" : "retryParked";
    this.#decide(host, { kind, address }, isSkip ? "parkedSkipped" : "parkedRetried");
  }

  #dead(host: Host, entry: Entry): void {
    const record = decodeDead(entry.value);
    const dead = deadOf(record);
    const isMissed = dead.kind === "step" && !dead.isPoison;
    const wasBefore = this.#world.schedule.nowMs - host.openedMs < 200 && host.generation > 2;
    this.#world.faults.paths.hitIf(wasBefore, "deadAfterRestart");
    if (isMissed || this.#rng.chance(0.5)) return this.#retryDead(host, entry, dead);
    const name = `${dead.kind} ${dead.name}`;
    this.purged.set(name, this.purged.get(name) ?? false);
    const verb = { kind: "purgeDead", number: readDeadKey(entry.key) } as const;
    this.#decide(host, verb, "deadPurged", () => this.purged.set(name, true));
  }

  #retryDead(host: Host, { key }: Entry, dead: Dead): void {
    if (dead.kind === "step") this.retried.add(dead.name);
    const path = dead.kind === "step" ? "deadRetried" : "deadRecordRetried";
    this.#decide(host, { kind: "retryDead", number: readDeadKey(key) }, path);
  }

  /** Sometimes two people decide the same at once. */
  #decide(host: Host, verb: OperatorVerb, path: Path, done?: () => void): void {
    this.#submit(host, verb, path, done);
    if (this.#rng.chance(0.2)) this.#submit(host, verb, path, done);
  }

  #submit(host: Host, verb: OperatorVerb, path: Path, done?: () => void): void {
    this.#open++;
    this.#desk.submit(
      host,
      { kind: "operator", request: 0, verb },
      (answer) => {
        this.#open--;
        if (answer.kind !== "operated" || answer.found === undefined) return;
        this.#world.faults.paths.hit(path);
        done?.();
      },
      () => {
        this.#open--;
      },
    );
  }
}

const parkedOn = (host: Host): Entry[] => host.disk.list({ ...parkedRange(), limit: 1_000 });
const deadOn = (host: Host): Entry[] => host.disk.list({ ...deadRange(), limit: 1_000 });
