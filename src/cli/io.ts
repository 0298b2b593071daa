import type { Readable } from "node:stream";

/** What a command has of the world; a test gives it another one. */
export interface Io {
  readonly stdin: Readable;
  /** Data only. Resolves when it has been taken, so that a slow reader slows the command. */
  readonly out: (text: string | Uint8Array) => Promise<void>;
  /** Everything else. */
  readonly err: (text: string) => void;
  readonly outIsTerminal: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Paths that are not absolute start here. */
  readonly directory: string;
  /** Calls `handler` at each SIGINT and SIGTERM instead of ending the process. Returns what undoes it. */
  readonly onSignal: (handler: () => void) => () => void;
  /**
   * Calls `handler` when the process ends by itself, before the command has, and while its reader still reads. What
   * it writes must be written at once. Returns what undoes it.
   */
  readonly onExit: (handler: (code: number) => void) => () => void;
}

export const processIo: Io = {
  stdin: process.stdin,
  out: (text) =>
    new Promise((resolve, reject) => {
      process.stdout.write(text, (error) => (error ? reject(error) : resolve()));
    }),
  err: (text) => void process.stderr.write(text),
  outIsTerminal: process.stdout.isTTY === true,
  env: process.env,
  directory: process.cwd(),
  onSignal: (handler) => {
    process.on("SIGINT", handler).on("SIGTERM", handler);
    return () => void process.off("SIGINT", handler).off("SIGTERM", handler);
  },
  onExit: (handler) => {
    const heard = (code: number): void => {
      if (process.stdout.errored === null) handler(code);
    };
    process.on("exit", heard);
    return () => void process.off("exit", heard);
  },
};
