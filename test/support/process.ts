import { type ChildProcess, spawn } from "node:child_process";
import { createServer } from "node:net";
import { env as ownEnvironment } from "node:process";
import { fileURLToPath } from "node:url";
import { atEnd, type Scope } from "./cleanup.ts";
import { within } from "./until.ts";

const GUARD = new URL("./end-with-parent.js", import.meta.url).href;

/**
 * The same for programs other than node: a shell becomes the program, under the same process id, and
 * leaves someone behind who waits for descriptor 3 to close.
 */
const GUARD_OF_OTHERS =
  'exec 4<&3 3<&-; (read _; kill -9 $$) <&4 >/dev/null 2>&1 & exec 4<&-; exec "$0" "$@"';

export interface ScriptOptions {
  /** A compiled script: a path, or a URL such as `new URL("./x.js", import.meta.url)`. */
  readonly script: string | URL;
  /** Runs the script, in place of node: the name or path of another program. */
  readonly program?: string;
  /** Words before `node`: a program that becomes it by exec, such as `prlimit --nofile=256`. Default none. */
  readonly before?: readonly string[];
  /** Default none. A function is given the port. */
  readonly args?: readonly string[] | ((port: number) => readonly string[]);
  /** Added to the environment of the test. */
  readonly env?: Readonly<Record<string, string>>;
  /** Default: that of the test. */
  readonly cwd?: string;
  /** A line of stdout or stderr that says it is ready, or a question asked until it answers true. Default: ready at once. */
  readonly ready?: RegExp | ((script: Script) => boolean | Promise<boolean>);
  /** Default 10 s. */
  readonly readyTimeoutMs?: number;
}

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** Everything still running, so that none outlives the test's process. */
const running = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

/**
 * Starts a node script as a process of its own and waits until it is ready. It is killed when the test
 * is over, passed or failed, and when the test's process dies. Ending too early, or not being ready in
 * time, is an error that shows its output.
 */
export async function startScript(t: Scope, options: ScriptOptions): Promise<Script> {
  const script = new Script(options, await freePort());
  atEnd(t, () => script.kill());
  await script.start();
  return script;
}

/** A port nobody listens on just now. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

export class Script {
  /** Free when it was chosen, and the same after a restart. */
  readonly port: number;
  readonly #options: ScriptOptions;
  #child: ChildProcess | undefined;
  #exited: Promise<Exit> = Promise.resolve({ code: null, signal: null });
  #exit: Exit | undefined;
  #output = "";
  /** Where the output of the present process begins. */
  #startsAt = 0;
  #onOutput: (() => void)[] = [];

  constructor(options: ScriptOptions, port: number) {
    this.#options = options;
    this.port = port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** 0 before the first start. */
  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  /** stdout and stderr as they came, of all starts. */
  get output(): string {
    return this.#output;
  }

  /** stdout and stderr of the present process. */
  get lastWords(): string {
    return this.#output.slice(this.#startsAt);
  }

  /** The end of the present process. */
  get exited(): Promise<Exit> {
    return this.#exited;
  }

  /** Starts it again after it ended: same port, same arguments. */
  async start(): Promise<void> {
    if (this.#child !== undefined && this.#exit === undefined) throw new Error("it runs already");
    const { script, program, before = [], args = [], env = {}, cwd } = this.#options;
    const path = typeof script === "string" ? script : fileURLToPath(script);
    const words = typeof args === "function" ? args(this.port) : args;
    const [command = "", ...rest] = [
      ...before,
      ...(program === undefined
        ? [process.execPath, "--import", GUARD, path, ...words]
        : ["sh", "-c", GUARD_OF_OTHERS, program, path, ...words]),
    ];
    const child = spawn(command, rest, {
      // The variable would make the child report to our test runner as a test file.
      env: { ...withoutTestContext(), ...env },
      stdio: ["ignore", "pipe", "pipe", "pipe"],
      ...(cwd === undefined ? {} : { cwd }),
    });
    running.add(child);
    // Whatever waits for the guard's pipe to close may go when the process has gone.
    child.once("exit", () => child.stdio[3]?.destroy());
    this.#child = child;
    this.#exit = undefined;
    this.#startsAt = this.#output.length;
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => this.#collect(text));
    }
    this.#exited = new Promise((resolve) => {
      child.once("error", (error) => this.#collect(`${error.message}\n`));
      // "close" comes after the last output, and after a failed start too.
      child.once("close", (code, signal) => {
        running.delete(child);
        this.#exit = { code, signal };
        this.#collect("");
        resolve(this.#exit);
      });
    });
    await this.#untilReady();
  }

  /** kill -9, and waits until it is gone. Nothing happens when it is gone already. */
  async kill(): Promise<Exit> {
    this.#child?.kill("SIGKILL");
    return this.#exited;
  }

  /** Asks it to end, by default with SIGTERM, and waits until it has. */
  async stop(signal: NodeJS.Signals = "SIGTERM", timeoutMs = 10_000): Promise<Exit> {
    this.#child?.kill(signal);
    return within(`${this.#name} to end after ${signal}`, this.#exited, { timeoutMs });
  }

  /** kill -9 and a new start. */
  async restart(): Promise<void> {
    await this.kill();
    await this.start();
  }

  /** The first match in the output of the present process, now or later. Fails when it ends without one. */
  async line(pattern: RegExp, timeoutMs = 10_000): Promise<RegExpExecArray> {
    const found = new Promise<RegExpExecArray>((resolve, reject) => {
      const startsAt = this.#startsAt;
      const look = (): boolean => {
        const match = pattern.exec(this.#output.slice(startsAt));
        if (match !== null) resolve(match);
        else if (this.#exit !== undefined) reject(new Error(`it ended with ${show(this.#exit)}`));
        else return false;
        return true;
      };
      const again = (): void => {
        if (!look()) this.#onOutput.push(again);
      };
      again();
    });
    try {
      return await within(`a line like ${pattern}`, found, { timeoutMs });
    } catch (error) {
      throw this.#failure(error);
    }
  }

  async #untilReady(): Promise<void> {
    const { ready, readyTimeoutMs: timeoutMs = 10_000 } = this.#options;
    if (ready === undefined) return;
    if (ready instanceof RegExp) {
      await this.line(ready, timeoutMs);
      return;
    }
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      if (this.#exit !== undefined) throw this.#failure(`it ended with ${show(this.#exit)}`);
      const left = deadline - performance.now();
      if (left <= 0) throw this.#failure(`it was not ready after ${timeoutMs} ms`);
      const answer = within("an answer", Promise.resolve(this).then(ready), { timeoutMs: left });
      if (await answer.catch(() => false)) return; // no answer yet is a no
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  get #name(): string {
    return `the script ${String(this.#options.script)}`;
  }

  #collect(text: string): void {
    this.#output += text;
    const waiting = this.#onOutput;
    this.#onOutput = [];
    for (const look of waiting) look();
  }

  #failure(cause: unknown): Error {
    const why = cause instanceof Error ? cause.message : String(cause);
    const output = this.#output.slice(this.#startsAt);
    return new Error(`${this.#name}: ${why}. Its output:\n${output}`);
  }
}

function show({ code, signal }: Exit): string {
  return signal === null ? `code ${code}` : `signal ${signal}`;
}

function withoutTestContext(): NodeJS.ProcessEnv {
  const { NODE_TEST_CONTEXT: _, ...rest } = ownEnvironment;
  return rest;
}
