/**
 * The functions' endpoint where it takes many calls in one request: the courier of the runtime, with the
 * wire and the server replaced. Requests and answers are late, get lost, are cut anywhere, gathered by
 * something between, or are not understood; calls hang, fail, and are given up.
 */
import assert from "node:assert/strict";
import {
  Courier,
  type RoundEnding,
  type RoundListener,
} from "../../../src/invoke/frames-courier.ts";
import { Parcel } from "../../../src/invoke/frames-round.ts";
import { addressKey } from "../../../src/model/address.ts";
import type { Invocation, Outcome } from "../../../src/model/invocation.ts";
import type { Rng } from "../../support/rng.ts";
import { Faults } from "../faults.ts";
import type { SimFunctions } from "../functions.ts";
import type { Paths } from "../paths.ts";
import type { Schedule } from "../schedule.ts";
import { answerOf, assertTold, callsIn, isSame, type SeenCall } from "./codec.ts";
import type { FramesFault, FramesSwarm } from "./swarm.ts";

/** A call under way. */
interface Call {
  readonly partition: number;
  readonly invocation: Invocation;
  /** What the function answered, if it did. */
  said: Outcome | undefined;
  /** All of that has reached the node. */
  hasArrived: boolean;
}

/** The runtime gives a request up after so long. */
const CALL_MS = 4_000;

interface Parts {
  readonly swarm: FramesSwarm;
  readonly functions: SimFunctions;
  readonly schedule: Schedule;
  readonly paths: Paths;
  readonly rng: Rng;
  /** The functions of this type are down at the moment. */
  readonly isDown: (type: string) => boolean;
}

class SimParcel extends Parcel {
  readonly settle: (outcome: Outcome | undefined) => void;

  constructor(invocation: Invocation, settle: (outcome: Outcome | undefined) => void) {
    super(invocation);
    this.settle = settle;
  }
}

export class SimFrames {
  readonly faults: Faults<FramesFault>;
  readonly #parts: Parts;
  readonly #calls = new Map<string, Call>();
  #courier: Courier;

  constructor(parts: Parts) {
    const { swarm, rng, paths } = parts;
    this.#parts = parts;
    this.faults = new Faults<FramesFault>(rng.fork(), swarm.faults, paths);
    this.#courier = this.#newCourier();
  }

  /** Calls come this way at the moment. */
  get isOpen(): boolean {
    return this.#courier.isOpen;
  }

  /** The node has ended: what it knew of the endpoint is gone. */
  restart(): void {
    this.#courier = this.#newCourier();
  }

  /**
   * Carries a call together with others; `alone` when it must go by itself.
   * @returns gives it up
   */
  call(
    partition: number,
    invocation: Invocation,
    ways: { readonly settle: (outcome: Outcome) => void; readonly alone: () => void },
  ): () => void {
    const courier = this.#courier;
    const key = addressKey(invocation.target);
    assert(!this.#calls.has(key), `I1: ${key} is under way twice`);
    const call: Call = { partition, invocation, said: undefined, hasArrived: false };
    this.#calls.set(key, call);
    let isSettled = false;
    const end = (): void => {
      assert(!isSettled, `${key} is settled twice`);
      isSettled = true;
      this.#calls.delete(key);
    };
    const parcel = new SimParcel(invocation, (outcome) => {
      end();
      if (call.said !== undefined && call.hasArrived) {
        assert(outcome !== undefined, `${key} has been answered and is sent again`);
        assertTold(outcome, call.said);
        return ways.settle(call.said);
      }
      this.#parts.paths.hitIf(outcome === undefined, "framesAlone");
      if (outcome === undefined) return ways.alone();
      assert.equal(outcome.kind, "retryLater", `${key} has an answer that nobody gave`);
      ways.settle(outcome);
    });
    courier.take(parcel);
    return () => {
      if (isSettled) return;
      end();
      this.#parts.paths.hit("framesCancelled");
      courier.cancel(parcel);
    };
  }

  /** An ordinary request was answered. */
  offered(): void {
    const { paths, schedule } = this.#parts;
    if (this.#courier.isOpen || this.#isForgotten(schedule.nowMs)) return;
    this.#courier.offered();
    paths.hitIf(this.#courier.isOpen, "framesOffered");
  }

  #newCourier(): Courier {
    const { schedule, swarm } = this.#parts;
    return new Courier({
      post: (body, listener) => this.#post(body, listener),
      soon: (run) => schedule.after(0, run),
      after: (delayMs, run) => {
        let isOff = false;
        schedule.after(delayMs, () => {
          if (!isOff) run();
        });
        return () => {
          isOff = true;
        };
      },
      nowMs: () => schedule.nowMs,
      ...{ from: "sim", isAssumed: swarm.isAssumed, answerMaxBytes: 10_000_000 },
    });
  }

  #isForgotten(nowMs: number): boolean {
    return this.faults.isDuring("framesForgotten", "", nowMs);
  }

  #post(body: Buffer, listener: RoundListener): () => void {
    const { schedule, swarm, rng, paths } = this.#parts;
    let isOver = false;
    const line: Line = {
      end: (ending) => {
        if (isOver) return;
        isOver = true;
        listener.ended(ending);
      },
      begin: () => {
        if (!isOver) listener.begun();
      },
      write: (piece) => {
        if (!isOver) listener.took(piece);
      },
      isOver: () => isOver,
    };
    // After a crash of the node the same messages may be under way again while these are still answered.
    const sent = callsIn(body).map((seen) => ({ ...seen, call: this.#calls.get(seen.key) }));
    schedule.after(rng.random() * swarm.wayMs, () => {
      if (!isOver) this.#arrived(sent, line);
    });
    schedule.after(CALL_MS, () => line.end({ kind: "trouble", reason: "its time is over" }));
    paths.hit("framesSent");
    return () => {
      isOver = true;
    };
  }

  #arrived(seen: readonly SentCall[], line: Line): void {
    const { schedule, paths } = this.#parts;
    const { faults } = this;
    if (faults.strikes("framesLost", 0.3)) {
      return line.end({ kind: "trouble", reason: "the connection was reset" });
    }
    if (this.#isForgotten(schedule.nowMs)) {
      paths.hit("framesForgotten");
      return line.end({ kind: "refused", isTooLarge: false });
    }
    if (seen.length > 1 && faults.strikes("framesTooLarge", 0.5)) {
      paths.hit("framesTooLarge");
      return line.end({ kind: "refused", isTooLarge: true });
    }
    const partitions = new Set(seen.map(({ key }) => this.#calls.get(key)?.partition));
    paths.hitIf(seen.length > 1, "framesMany");
    paths.hitIf(partitions.size > 1, "framesOfPartitions");
    new Server(this.#parts, faults, seen, line).run((each) => this.#answer(each));
  }

  /** The function answers a call; one that was given up meanwhile gets some answer, too. */
  #answer(seen: SentCall): Spoken {
    const { call } = seen;
    if (call === undefined || call !== this.#calls.get(seen.key)) {
      this.#parts.paths.hit("framesOrphan");
      return {
        bytes: answerOf(seen.frame, { kind: "failed", reason: "nobody asks any more" }),
        arrived: () => {},
      };
    }
    const { functions, schedule } = this.#parts;
    assert(isSame(seen, call.invocation), `${seen.key} is asked for something else`);
    assert.equal(call.said, undefined, `${seen.key} is asked twice`);
    if (this.#parts.isDown(call.invocation.target.type)) {
      call.said = { kind: "retryLater", reason: "this type is down" };
    } else if (this.faults.strikes("frameFails", 0.1)) {
      call.said = { kind: "retryLater", reason: "overloaded" };
    } else call.said = functions.call(call.invocation, schedule.nowMs);
    return {
      bytes: answerOf(seen.frame, call.said),
      arrived: () => {
        call.hasArrived = true;
      },
    };
  }
}

/** A call in a request, and what it was for. */
type SentCall = SeenCall & { readonly call: Call | undefined };

/** An answer that has been given. */
interface Spoken {
  readonly bytes: Uint8Array;
  /** To be called when the node has all of it. */
  readonly arrived: () => void;
}

/** The way back of one request. */
interface Line {
  begin(): void;
  write(piece: Buffer): void;
  end(ending: RoundEnding): void;
  isOver(): boolean;
}

/** One request at the functions: each call answered in its time, the bytes in pieces of any size. */
class Server {
  readonly #parts: Parts;
  readonly #faults: Faults<FramesFault>;
  readonly #seen: readonly SentCall[];
  readonly #line: Line;
  /** Written and not yet on the way. */
  #bytes: Buffer[] = [];
  #unanswered: number;
  /** Of the whole answer: what has been written, and what has reached the node. */
  #written = 0;
  #arrived = 0;
  /** Where each answer ends, by its place in the whole; what follows nonsense is none. */
  readonly #spoken: { readonly end: number; readonly arrived: () => void }[] = [];
  #isGarbled = false;

  constructor(parts: Parts, faults: Faults<FramesFault>, seen: readonly SentCall[], line: Line) {
    this.#parts = parts;
    this.#faults = faults;
    this.#seen = seen;
    this.#line = line;
    this.#unanswered = seen.length;
  }

  run(answer: (seen: SentCall) => Spoken): void {
    const { schedule, rng, swarm, paths } = this.#parts;
    const isGathered = this.#faults.strikes("framesGathered", 0.5);
    // A part of what is written, so that it ends within an answer as often as between two.
    const isCut = this.#faults.strikes("framesCut", 0.8);
    paths.hitIf(isGathered, "framesGathered");
    if (!isGathered) this.#later(() => this.#line.begin());
    for (const seen of rng.shuffle(this.#seen)) {
      const hangs = this.#faults.strikes("frameHangs", 0.1);
      if (hangs && rng.chance(0.5)) continue; // for ever
      const workMs = hangs ? 2_500 : swarm.workMs;
      schedule.after(rng.random() * workMs, () => {
        if (this.#line.isOver()) return;
        this.#unanswered--;
        if (this.#faults.strikes("frameMissing", 0.1)) paths.hit("framesMissing");
        else this.#say(answer(seen));
        if (this.#faults.strikes("framesGarbled", 0.1)) this.#garble();
        if (this.#unanswered > 0 && isGathered) return;
        if (isCut && rng.chance(0.5)) return this.#cut();
        this.#flush();
        if (this.#unanswered === 0) this.#later(() => this.#line.end({ kind: "answered" }));
      });
    }
  }

  #say({ bytes, arrived }: Spoken): void {
    this.#bytes.push(Buffer.from(bytes));
    this.#written += bytes.byteLength;
    if (!this.#isGarbled) this.#spoken.push({ end: this.#written, arrived });
  }

  #garble(): void {
    const nonsense = Buffer.from([7, 7, 7]);
    this.#bytes.push(nonsense);
    this.#written += nonsense.byteLength;
    this.#isGarbled = true;
    this.#parts.paths.hit("framesGarbled");
  }

  #flush(): void {
    const { rng } = this.#parts;
    const bytes = Buffer.concat(this.#bytes);
    this.#bytes = [];
    if (bytes.byteLength === 0) return;
    const at = rng.chance(0.5) ? rng.int(bytes.byteLength) : bytes.byteLength;
    this.#later(() => this.#deliver(bytes.subarray(0, at)));
    if (at < bytes.byteLength) this.#later(() => this.#deliver(bytes.subarray(at)));
  }

  /** The connection breaks, some of what was written on the way. */
  #cut(): void {
    const { rng, paths } = this.#parts;
    const bytes = Buffer.concat(this.#bytes);
    const at = rng.int(bytes.byteLength + 1);
    this.#later(() => {
      this.#deliver(bytes.subarray(0, at));
      paths.hitIf(
        this.#spoken.some(({ end }) => end <= this.#arrived),
        "framesCut",
      );
      this.#line.end({ kind: "trouble", reason: "the connection was closed" });
    });
  }

  #deliver(piece: Buffer): void {
    if (this.#line.isOver()) return;
    this.#arrived += piece.byteLength;
    for (const { end, arrived } of this.#spoken) if (end <= this.#arrived) arrived();
    this.#line.begin();
    if (piece.byteLength > 0) this.#line.write(piece);
  }

  /** In the order of the calls of this. */
  #arriveMs = 0;
  #later(run: () => void): void {
    const { schedule, rng, swarm } = this.#parts;
    this.#arriveMs = Math.max(this.#arriveMs, schedule.nowMs + rng.random() * swarm.wayMs);
    schedule.after(this.#arriveMs - schedule.nowMs, run);
  }
}
