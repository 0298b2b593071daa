import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import type { TestContext } from "node:test";
import { runCli } from "../../src/cli/cli.ts";
import type { Command } from "../../src/cli/command.ts";
import { CLIENT_COMMANDS } from "../../src/cli/commands.ts";
import type { Io } from "../../src/cli/io.ts";

export interface Finished {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** A world of its own for one command: what it said, and what it may read. */
export class FakeIo implements Io {
  stdin = Readable.from([] as Buffer[]);
  outIsTerminal = false;
  env: Record<string, string> = {};
  directory = tmpdir();
  readonly outs: Buffer[] = [];
  readonly errs: string[] = [];
  readonly signalled = new Set<() => void>();
  /** Called with all that has been printed, after each print. */
  onOut: ((all: string) => void) | undefined;

  readonly out = (text: string | Uint8Array): Promise<void> => {
    this.outs.push(Buffer.from(text));
    this.onOut?.(this.printed());
    return Promise.resolve();
  };

  readonly err = (text: string): void => {
    this.errs.push(text);
  };

  readonly onSignal = (handler: () => void): (() => void) => {
    this.signalled.add(handler);
    return () => this.signalled.delete(handler);
  };

  readonly exited = new Set<(code: number) => void>();

  readonly onExit = (handler: (code: number) => void): (() => void) => {
    this.exited.add(handler);
    return () => this.exited.delete(handler);
  };

  signal(): void {
    for (const handler of this.signalled) handler();
  }

  printed(): string {
    return Buffer.concat(this.outs).toString();
  }

  async run(
    args: readonly string[],
    commands: readonly Command[] = CLIENT_COMMANDS,
  ): Promise<Finished> {
    const code = await runCli(args, commands, this);
    return { code, out: this.printed(), err: this.errs.join("") };
  }
}

/** A command line against the node at `url`, in a fresh world. */
export function cli(url: string, args: readonly string[], stdin = ""): Promise<Finished> {
  const io = new FakeIo();
  io.env = { STATEFOLD_URL: url };
  io.stdin = Readable.from(stdin === "" ? [] : [Buffer.from(stdin)]);
  return io.run(args);
}

export function temporaryDirectory(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), "statefold-cli-"));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}
