/** The demo's processes: started, killed without warning, and started again on the same port. */
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

export interface ServiceOptions {
  readonly name: string;
  /** The program and its arguments. */
  readonly command: readonly [program: string, ...args: string[]];
  /** Collects stdout and stderr of all starts. */
  readonly logFile: string;
  /** Asked until it answers true. */
  readonly ready: () => Promise<boolean>;
  /** It has ended, and nobody told it to. */
  readonly onFailure: (error: Error) => void;
}

export type ServiceState = "starting" | "up" | "killed" | "ended";

/** A busy machine is slow to start things; what has failed has ended, and is not waited for. */
const READY_TIMEOUT_MS = 120_000;
const STOP_TIMEOUT_MS = 10_000;
const LOG_TAIL_LINES = 8;

export class Service {
  state: ServiceState = "ended";
  /** How often it was killed so far. */
  kills = 0;
  readonly #options: ServiceOptions;
  #child: ChildProcess | undefined;
  #exited: Promise<void> = Promise.resolve();
  #failed: Error | undefined;

  constructor(options: ServiceOptions) {
    this.#options = options;
  }

  /** Resolves when it is ready. Rejects as soon as it has ended instead, with its last words. */
  async start(): Promise<void> {
    const { command, logFile, ready } = this.#options;
    const [program, ...args] = command;
    const log = openSync(logFile, "a");
    const child = spawn(program, args, { stdio: ["ignore", log, log] });
    closeSync(log);
    this.#child = child;
    this.state = "starting";
    this.#exited = new Promise((resolve) => {
      child.once("error", (error) => this.#ended(error.message, resolve));
      child.once("exit", (code, signal) => this.#ended(`ended with ${signal ?? code}`, resolve));
    });
    const deadline = performance.now() + READY_TIMEOUT_MS;
    const isReady = () => ready().catch(() => false);
    // A question may be long in the answering; an end answers it.
    while (this.state === "starting" && !(await Promise.race([isReady(), this.#exited]))) {
      if (performance.now() > deadline) {
        throw this.#failure(`was not ready within ${READY_TIMEOUT_MS / 1000} s`);
      }
      await sleep(20);
    }
    if (this.#failed !== undefined) throw this.#failed;
    if (this.state === "starting") this.state = "up";
  }

  /** kill -9, and waits until it is gone. */
  async kill(): Promise<void> {
    this.state = "killed";
    this.kills++;
    this.#child?.kill("SIGKILL");
    await this.#exited;
  }

  /** Asks it to end, and kills it when it does not. */
  async stop(): Promise<void> {
    this.state = "ended";
    this.#child?.kill("SIGTERM");
    const timer = setTimeout(() => this.abandon(), STOP_TIMEOUT_MS);
    await this.#exited;
    clearTimeout(timer);
  }

  /** Kills it without waiting: for when the demo itself ends. */
  abandon(): void {
    this.state = "ended";
    this.#child?.kill("SIGKILL");
  }

  #ended(how: string, resolve: () => void): void {
    if (this.state !== "killed" && this.state !== "ended") {
      this.state = "ended";
      this.#failed = this.#failure(how);
      this.#options.onFailure(this.#failed);
    }
    resolve();
  }

  #failure(how: string): Error {
    const { name, logFile } = this.#options;
    const tail = readFileSync(logFile, "utf8").trimEnd().split("\n").slice(-LOG_TAIL_LINES);
    return new Error(`the ${name} ${how}; its last words:\n${tail.join("\n")}`);
  }
}

/** A port nobody listens on just now. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject).listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("there is no free port");
  return address.port;
}
