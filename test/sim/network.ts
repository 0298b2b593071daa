import type { Invocation, Outcome } from "../../src/model/invocation.ts";
import type { Rng } from "../support/rng.ts";
import type { Faults } from "./faults.ts";
import type { SimFunctions } from "./functions.ts";
import type { Schedule } from "./schedule.ts";
import type { Swarm } from "./swarm.ts";

/** How a call ended, and within what time the runtime hears of it. */
interface Ending {
  readonly outcome: Outcome;
  readonly maxMs: number;
}

const later = (reason: string): Outcome => ({ kind: "retryLater", reason });

/** Between the node and its functions: requests and answers get lost, and functions hang. */
export class Network {
  readonly #functions: SimFunctions;
  readonly #faults: Faults;
  readonly #schedule: Schedule;
  readonly #rng: Rng;
  readonly #maxMs: number;

  constructor(parts: {
    readonly functions: SimFunctions;
    readonly faults: Faults;
    readonly schedule: Schedule;
    readonly rng: Rng;
    readonly swarm: Swarm;
  }) {
    this.#functions = parts.functions;
    this.#faults = parts.faults;
    this.#schedule = parts.schedule;
    this.#rng = parts.rng;
    this.#maxMs = parts.swarm.slow.networkMs;
  }

  /** A request has arrived, if it arrives. */
  call(invocation: Invocation): Ending {
    const faults = this.#faults;
    const { nowMs } = this.#schedule;
    const maxMs = this.#maxMs;
    if (faults.isDuring("endpointDown", invocation.target.type, nowMs)) {
      faults.count("endpointDown");
      return { outcome: later("connection refused"), maxMs };
    }
    if (faults.strikes("requestLost", 0.3)) return { outcome: later("connection refused"), maxMs };
    if (faults.strikes("hangs", 0.1)) {
      const isOnlySlow = this.#rng.chance(0.5);
      if (isOnlySlow) return { outcome: this.#functions.call(invocation, nowMs), maxMs: 2_000 };
      faults.paths.hit("timedOut");
      return { outcome: later("its time is over"), maxMs: 4_000 };
    }
    const outcome = this.#functions.call(invocation, nowMs);
    const isLost = faults.strikes("answerLost", 0.3);
    return { outcome: isLost ? later("the connection was reset") : outcome, maxMs };
  }
}
