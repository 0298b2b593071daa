/**
 * A process that is tortured: started again whenever it has ended, as a supervisor would do. It remembers
 * its kills, starts and recoveries, and every time it ended by itself.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { describeError } from "../../src/base/errors.ts";
import type { Exit, Script } from "../support/process.ts";

/** A process that ended without being told to. */
export interface OwnEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** What it said last on stderr. */
  readonly words: string;
  /** What was being done to it. */
  readonly during: string;
}

/** Between an end of its own and the next start. */
const RESTART_AFTER_MS = 250;

export class Subject {
  readonly name: string;
  readonly script: Script;
  starts = 0;
  kills = 0;
  /** Times it was told to end, and started again. */
  stops = 0;
  /** Kills of a process that had not said yet that it was ready. */
  killsDuringStart = 0;
  /** From the last kill until it was ready, where nothing else kept it from starting. */
  readonly recoverMs: number[] = [];
  readonly ownEnds: OwnEnd[] = [];
  /** What is being done to it just now, for the record. */
  trouble = "nothing";
  /** Comes before each start but the first. */
  beforeStart: () => Promise<void> = async () => {};
  #isReady = false;
  #isKilled = false;
  #isTold = false;
  #killedAtMs: number | undefined;
  #isStopping = false;
  #running: Promise<void> | undefined;

  constructor(name: string, script: Script) {
    this.name = name;
    this.script = script;
  }

  get isReady(): boolean {
    return this.#isReady;
  }

  /** Starts it, and keeps it running until {@link stop}. */
  run(): void {
    this.#running ??= this.#keepRunning();
  }

  /** kill -9, whatever it is doing. */
  async kill(): Promise<void> {
    if (this.script.pid === 0 || this.#isKilled) return;
    this.kills++;
    if (!this.#isReady) this.killsDuringStart++;
    this.#killedAtMs = performance.now();
    this.#isKilled = true;
    await this.script.kill();
  }

  /** SIGSTOP for so long, then SIGCONT, unless it was killed meanwhile. */
  async pause(pauseMs: number): Promise<void> {
    const { pid } = this.script;
    if (!signal(pid, "SIGSTOP")) return;
    await sleep(pauseMs);
    signal(pid, "SIGCONT");
  }

  /** SIGTERM, as for an upgrade: it must end by itself, with 0. */
  async restart(timeoutMs: number): Promise<void> {
    if (!this.#isReady) return;
    this.stops++;
    this.#isTold = true;
    await this.script.stop("SIGTERM", timeoutMs);
  }

  /** Ends it as an operator would; resolves with the exit code. */
  async stop(timeoutMs: number): Promise<number | null> {
    this.#isStopping = true;
    const { code } = await this.script.stop("SIGTERM", timeoutMs);
    await this.#running;
    return code;
  }

  /** Waits for it to end by itself, after which it is not started again. */
  async untilItEnds(): Promise<Exit> {
    this.#isStopping = true;
    const exit = await this.script.exited;
    await this.#running;
    return exit;
  }

  /** Ends it at once, without counting. */
  async abandon(): Promise<void> {
    this.#isStopping = true;
    await this.script.kill();
    await this.#running;
  }

  async #keepRunning(): Promise<void> {
    while (!this.#isStopping) {
      if (this.starts > 0) await this.beforeStart();
      if (this.#isStopping) return;
      this.starts++;
      this.#isKilled = false;
      this.#isTold = false;
      let failure = "";
      try {
        await this.script.start();
        this.#becomesReady();
      } catch (error) {
        failure = describeError(error);
      }
      const { code, signal: by } = await this.script.exited;
      const wasKilled = this.#isKilled;
      this.#isReady = false;
      const wasTold = this.#isTold && code === 0;
      if (wasKilled || wasTold || this.#isStopping) continue;
      this.#killedAtMs = undefined;
      const words = failure === "" ? this.script.lastWords : failure;
      this.ownEnds.push({ code, signal: by, words: tail(words), during: this.trouble });
      await sleep(RESTART_AFTER_MS);
    }
  }

  #becomesReady(): void {
    this.#isReady = true;
    if (this.#killedAtMs !== undefined) this.recoverMs.push(performance.now() - this.#killedAtMs);
    this.#killedAtMs = undefined;
  }
}

function tail(words: string): string {
  return words.trim().split("\n").slice(-6).join("\n");
}

function signal(pid: number, name: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, name);
  } catch {
    return false; // it is gone
  }
}
