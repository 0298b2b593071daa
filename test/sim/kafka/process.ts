import type { Intents } from "../../../src/egress/kafka-intent.ts";
import type { KafkaCluster } from "../../../src/kafka/contract.ts";
import type { Schedule } from "../schedule.ts";

/**
 * One life of the node's process, as far as what waits in it goes: what it has asked for and what it sleeps
 * for comes to it while it is awake, all at once when it wakes, and never when it is dead. What it has sent
 * arrives all the same.
 */
export class Process {
  readonly #schedule: Schedule;
  #state: "awake" | "paused" | "dead" = "awake";
  readonly #held: (() => void)[] = [];

  readonly #stir: () => void;

  /** @param stir told whenever something in it may go on */
  constructor(schedule: Schedule, stir: () => void) {
    this.#schedule = schedule;
    this.#stir = stir;
  }

  get isDead(): boolean {
    return this.#state === "dead";
  }

  pause(): void {
    if (this.#state === "awake") this.#state = "paused";
  }

  wake(): void {
    if (this.#state !== "paused") return;
    this.#state = "awake";
    this.#stir();
    for (const then of this.#held.splice(0)) then();
  }

  kill(): void {
    this.#state = "dead";
    this.#held.length = 0;
  }

  /** As src/node/sleep.ts: resolves early when the signal aborts. */
  readonly sleep = (waitMs: number, signal: AbortSignal): Promise<void> =>
    new Promise((resolve) => {
      if (signal.aborted) return resolve();
      const end = (): void => {
        signal.removeEventListener("abort", end);
        resolve();
      };
      signal.addEventListener("abort", end);
      this.#schedule.after(waitMs, () => {
        this.#stir();
        this.#run(end);
      });
    });

  /** As `systemSleep` of src/ingress/source.ts: rejects when the signal aborts. */
  readonly sleepUnlessAborted = async (waitMs: number, signal: AbortSignal): Promise<void> => {
    await this.sleep(waitMs, signal);
    signal.throwIfAborted();
  };

  /** Its way to the brokers. `seen` is told of every answer that reaches it. */
  connect(to: KafkaCluster, seen: (request: string, answer: unknown, error: unknown) => void) {
    const told = <T>(request: string, asking: Promise<T>): Promise<T> =>
      new Promise((resolve, reject) => {
        asking.then(
          (answer) =>
            this.#run(() => {
              seen(request, answer, undefined);
              resolve(answer);
            }),
          (error: unknown) =>
            this.#run(() => {
              seen(request, undefined, error);
              reject(error);
            }),
        );
      });
    const cluster: KafkaCluster = {
      get breaks() {
        return to.breaks;
      },
      connect: () => told("connect", to.connect()),
      close: () => to.close(),
      leaders: (topic, mayCreate) => told("leaders", to.leaders(topic, mayCreate)),
      offset: (of, at) => told("offset", to.offset(of, at)),
      fetch: (node, request) => told("fetch", to.fetch(node, request)),
      groupOffsets: (group, isStable) => told("groupOffsets", to.groupOffsets(group, isStable)),
      commitGroup: (group, offsets) => told("commitGroup", to.commitGroup(group, offsets)),
      initProducer: (transactional) => told("initProducer", to.initProducer(transactional)),
      addPartitions: (session, partitions) =>
        told("addPartitions", to.addPartitions(session, partitions)),
      addOffsets: (session, group) => told("addOffsets", to.addOffsets(session, group)),
      commitOffsets: (session, group, offsets) =>
        told("commitOffsets", to.commitOffsets(session, group, offsets)),
      endTransaction: (session, isCommit) =>
        told(isCommit ? "commit" : "abort", to.endTransaction(session, isCommit)),
      produce: (request) => told("produce", to.produce(request)),
    };
    return cluster;
  }

  /** What it notes is there at once, and it goes on a little later, if at all. */
  keep(intents: Intents): Intents {
    const later = <T>(done: Promise<T>): Promise<T> =>
      new Promise((resolve) => {
        this.#schedule.after(1, () => {
          this.#stir();
          this.#run(() => resolve(done));
        });
      });
    return {
      read: (name) => later(intents.read(name)),
      write: (name, note) => later(intents.write(name, note)),
    };
  }

  #run(then: () => void): void {
    if (this.#state === "awake") then();
    else if (this.#state === "paused") this.#held.push(then);
  }
}
