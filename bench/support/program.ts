import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { performance } from "node:perf_hooks";
import { cpuMsOf, memoryOf } from "./process-figures.ts";

export interface ProgramOptions {
  /** Default: node. */
  readonly command?: string;
  readonly cwd?: string;
}

/** A process of the compiled program, or of another: what it said, when, and how it ends. */
export class Program {
  readonly startedAtMs = performance.now();
  /** Rejects, with its last words, when it ends before anybody asked it to. */
  readonly died: Promise<never>;
  readonly #child: ChildProcess;
  readonly #gone: Promise<void>;
  readonly #lines = new Map<string, () => void>();
  #line = "";
  #words = "";
  #isAskedToEnd = false;

  constructor(args: readonly string[], { command = process.execPath, cwd }: ProgramOptions = {}) {
    const child = spawn(command, args, {
      ...(cwd === undefined ? {} : { cwd }),
      stdio: ["pipe", "pipe", "pipe"], // the first, for those that end when it closes
    });
    child.stdin.on("error", () => {}); // it has ended
    this.#child = child;
    child.stdout.on("data", (chunk: Buffer) => this.#hear(chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => this.#remember(chunk.toString()));
    const exit = once(child, "exit");
    this.#gone = exit.then(() => undefined);
    this.died = exit.then(([code, signal]) => {
      if (this.#isAskedToEnd) return new Promise<never>(() => {});
      throw new Error(`${args.join(" ")} ended with ${code ?? signal}:\n${this.#words}`);
    });
    this.died.catch(() => {}); // it may die when nobody waits for it any more
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Resolves when it has said this line, with the time; to be asked before it can have. */
  async said(line: string): Promise<number> {
    const heard = new Promise<number>((resolve) => {
      this.#lines.set(line, () => resolve(performance.now()));
    });
    return await Promise.race([heard, this.died]);
  }

  /** Without waiting, and also when it stands still. */
  kill(): void {
    this.#isAskedToEnd = true;
    this.#child.kill("SIGKILL");
  }

  /** Sends a signal and waits for its end. */
  async end(signal: "SIGTERM" | "SIGKILL"): Promise<void> {
    this.#isAskedToEnd = true;
    this.#child.kill(signal);
    await this.#gone;
  }

  /** Has it stand still, or go on: what is there but not measured shall take nothing from what is. */
  pause(): void {
    this.#child.kill("SIGSTOP");
  }

  resume(): void {
    this.#child.kill("SIGCONT");
  }

  memory(): ReturnType<typeof memoryOf> {
    return memoryOf(this.pid);
  }

  cpuMs(): Promise<number> {
    return cpuMsOf(this.pid);
  }

  #hear(text: string): void {
    this.#remember(text);
    const lines = `${this.#line}${text}`.split("\n");
    this.#line = lines.pop() ?? "";
    for (const line of lines) this.#lines.get(line)?.();
  }

  #remember(text: string): void {
    this.#words = `${this.#words}${text}`.slice(-4000);
  }
}
