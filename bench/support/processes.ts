import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { fileURLToPath } from "node:url";
import { whenBrokenOff } from "./leftovers.ts";
import { Program, type ProgramOptions } from "./program.ts";

/** What a child answers its parent; its shape is agreed between the two. */
export type FromChild = object;

/** The processes of one benchmark; all of them end with it. */
export class Processes {
  readonly #children = new Set<ChildProcess>();
  readonly #programs = new Set<Program>();
  readonly #endAll = (): Promise<void> => this.end();
  #ended = (): void => {};

  /** @param script compiled, relative to bench/ */
  child(script: string): Child {
    const child = fork(fileURLToPath(new URL(`../${script}`, import.meta.url)));
    this.#children.add(child);
    this.#ended = whenBrokenOff(this.#endAll); // anew, when they have ended before
    return new Child(child, script);
  }

  /** The compiled program, or another script with its arguments. */
  program(args: readonly string[], options: ProgramOptions = {}): Program {
    const program = new Program(args, options);
    this.#programs.add(program);
    this.#ended = whenBrokenOff(this.#endAll);
    // A benchmark that is broken off leaves nobody behind, least of all one that stands still.
    process.off("exit", this.#killPrograms).once("exit", this.#killPrograms);
    return program;
  }

  async end(): Promise<void> {
    for (const child of this.#children) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const gone = once(child, "exit");
      child.kill("SIGKILL");
      await gone;
    }
    this.#children.clear();
    for (const program of this.#programs) await program.end("SIGKILL");
    this.#programs.clear();
    process.off("exit", this.#killPrograms);
    this.#ended();
  }

  readonly #killPrograms = (): void => {
    for (const program of this.#programs) program.kill();
  };
}

/** A child that takes one question at a time. */
export class Child {
  readonly #child: ChildProcess;
  readonly #script: string;

  constructor(child: ChildProcess, script: string) {
    this.#child = child;
    this.#script = script;
  }

  async ask<T>(question: object): Promise<T> {
    const answered = once(this.#child, "message");
    const died = once(this.#child, "exit").then(() => undefined);
    this.#child.send(question);
    const answer = await Promise.race([answered, died]);
    if (answer === undefined) throw new Error(`${this.#script} died`);
    return (answer as [T])[0];
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  kill(): void {
    this.#child.kill("SIGKILL");
  }
}

/** The child's side: answers each question of the parent, and ends with it. */
export function serveParent<Q, A extends FromChild>(answer: (question: Q) => Promise<A>): void {
  process.on("message", (question) => {
    void answer(question as Q).then((result) => process.send?.(result));
  });
  process.on("disconnect", () => process.exit());
}

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("no port to be had");
  return address.port;
}
