import { connect } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import type { Stage } from "./stage.ts";

/** What is done to a node, and how the account of it is drawn afterwards. */
export interface Disturbance {
  readonly name: string;
  /** Makes trouble until the signal aborts. */
  run(stage: Stage, signal: AbortSignal): Promise<void>;
  /** Ends it, waits until nothing of it is left, and throws when something was lost or done twice. */
  mend(stage: Stage): Promise<void>;
}

const HOT_MESSAGES = 100_000;
const BURST_MESSAGES = 10_000;
const BURST_EVERY_MS = 5_000;
const SLOW_READERS = 32;

/** Sends to one address at 20 a second; the counter must have counted each once. */
function trickle(address: string) {
  let sent = 0;
  return {
    get sent() {
      return sent;
    },
    async run(stage: Stage, signal: AbortSignal): Promise<void> {
      while (!signal.aborted) {
        await stage.send(`${address}-${sent % 10}`);
        sent++;
        await pause(50);
      }
    },
    async settle(stage: Stage): Promise<void> {
      for (let i = 0; i < Math.min(10, sent); i++) {
        await stage.until(`${address}-${i}`, Math.ceil((sent - i) / 10));
      }
    },
  };
}

function poison(): Disturbance {
  let sent = 0;
  return {
    name: "a poison id",
    async run(stage, signal) {
      await stage.healthy({ poisonId: "poison" });
      while (!signal.aborted) {
        await stage.send("bench/counter/poison");
        sent++;
        await pause(20);
      }
    },
    async mend(stage) {
      await stage.healthy({});
      // Parked, or about to go on by itself.
      await stage.admin("POST", "parked/bench/counter/poison/retry").catch(() => {});
      await stage.until("bench/counter/poison", sent);
    },
  };
}

function endpoint(name: string, mood: "down" | "hangs"): Disturbance {
  const mail = trickle(`trouble/counter/${mood}`);
  return {
    name,
    async run(stage, signal) {
      await stage.trouble({ endpoint: mood });
      await mail.run(stage, signal);
    },
    async mend(stage) {
      await stage.trouble({});
      await mail.settle(stage);
    },
  };
}

function hot(): Disturbance {
  return {
    name: "100,000 for one id",
    async run(stage) {
      await stage.healthy({ slowId: "hot" });
      await stage.write("hot", HOT_MESSAGES);
    },
    async mend(stage) {
      await stage.healthy({});
      await stage.until("bench/counter/hot", HOT_MESSAGES);
    },
  };
}

function heavy(): Disturbance {
  let called = 0;
  return {
    name: "10 MB of state",
    async run(stage, signal) {
      while (!signal.aborted) {
        await stage.call("trouble/heavy/one");
        called++;
      }
    },
    mend: (stage) => stage.until("trouble/heavy/one", called),
  };
}

function burst(name: string, address: string, leaf: string): Disturbance {
  let bursts = 0;
  return {
    name,
    async run(stage, signal) {
      while (!signal.aborted) {
        await stage.send(address, BURST_MESSAGES);
        bursts++;
        await pause(BURST_EVERY_MS, undefined, { signal }).catch(() => {});
      }
    },
    async mend(stage) {
      for (let i = 0; i < BURST_MESSAGES; i += 99) await stage.until(`${leaf}-${i}`, bursts);
    },
  };
}

function slowReaders(): Disturbance {
  return {
    name: "callers that read slowly",
    async run(stage, signal) {
      const sockets = Array.from({ length: SLOW_READERS }, (_, i) => {
        const socket = connect({ port: stage.port, host: "127.0.0.1" });
        socket.on("error", () => {});
        socket.write(
          `POST /v1/call/trouble/verbose/${i} HTTP/1.1\r\nhost: x\r\nstatefold-type: io.statefun.types/int\r\n` +
            "content-type: application/json\r\ncontent-length: 1\r\n\r\n1",
        );
        socket.pause();
        return socket;
      });
      while (!signal.aborted) {
        for (const socket of sockets) socket.read(16 * 1024);
        await pause(100);
      }
      for (const socket of sockets) socket.destroy();
    },
    async mend() {},
  };
}

function nothing(): Disturbance {
  return { name: "nothing", run: async () => {}, mend: async () => {} };
}

/** Made anew for each round, since they count. */
export const DISTURBANCES: Readonly<Record<string, () => Disturbance>> = {
  nothing,
  poison,
  down: () => endpoint("an endpoint that is down", "down"),
  hangs: () => endpoint("an endpoint that hangs", "hangs"),
  hot,
  heavy,
  burst: () => burst("10,000 messages at once", "trouble/burst/one", "trouble/counter/leaf"),
  crowd: () => burst("10,000 to everybody's type", "trouble/crowd/one", "bench/counter/leaf"),
  slow: slowReaders,
};
