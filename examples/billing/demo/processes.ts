/** The demo's processes: started, killed without warning, and started again on the same port. */
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

export interface ServiceOptions {
  readonly name: string;
  /** A compiled script and its arguments. */
  readonly script: readonly string[];
  /** Collects stdout and stderr of all starts. */
  readonly logFile: string;
  /** Asked until it answers true. */
  readonly ready: () => Promise<boolean>;
  /** It has ended, and nobody told it to. */
  readonly onFailure: (error: Error) => void;
}

export type ServiceState = "starting" | "up" | "killed" | "ended";

const READY_TIMEOUT_MS = 20_000;
const STOP_TIMEOUT_MS = 10_000;
const LOG_TAIL_LINES = 8;

export class Service {
  state: ServiceState = "ended";
  /** How often it was killed so far. */
  kills = 0;
  readonly #options: ServiceOptions;
  #child: ChildProcess | undefined;
  #exited: Promise<void> = Promise.resolve();

  constructor(options: ServiceOptions) {
    this.#options = options;
  }

  /** Resolves when it is ready. */
  async start(): Promise<void> {
    const { script, logFile, ready } = this.#options;
    const log = openSync(logFile, "a");
    const child = spawn(process.execPath, script, { stdio: ["ignore", log, log] });
    closeSync(log);
    this.#child = child;
    this.state = "starting";
    this.#exited = new Promise((resolve) => {
      child.once("error", (error) => this.#ended(error.message, resolve));
      child.once("exit", (code, signal) => this.#ended(`ended with ${signal ?? code}`, resolve));
    });
    const deadline = performance.now() + READY_TIMEOUT_MS;
    while (this.state === "starting" && !(await ready().catch(() => false))) {
      if (performance.now() > deadline) throw this.#failure("was not ready in time");
      await sleep(20);
    }
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
    resolve();
    if (this.state === "killed" || this.state === "ended") return;
    this.state = "ended";
    this.#options.onFailure(this.#failure(how));
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
