import { type DestinationStream, type Logger as PinoLogger, pino } from "pino";
import { LineLimit } from "./line-limit.ts";
import { formatLine } from "./terminal-lines.ts";

/** A part of the node gets a child: `logger.child({ part: "gateway" })`. */
export type Logger = PinoLogger;

export const LOG_LEVELS = ["trace", "debug", "info", "warn", "error", "fatal", "silent"] as const;

export type LogLevel = (typeof LOG_LEVELS)[number];

export interface LoggerOptions {
  /** Default: info. */
  readonly level?: LogLevel;
  /** Lines for a person instead of JSON. Default: whether stderr is a terminal. */
  readonly readable?: boolean;
  /** Default: stderr, since stdout is for data. Called with one line at a time, its end included. */
  readonly write?: (line: string) => void;
  /** Default: the time of day. */
  readonly now?: () => number;
}

/**
 * Writes at once, not from a buffer: what was said before a crash is there after it. Of lines that say the
 * same it writes so many in a while, see line-limit.ts.
 */
export function createLogger(options: LoggerOptions = {}): Logger {
  const { level = "info", readable = process.stderr.isTTY === true } = options;
  const write = options.write ?? ((line: string) => void process.stderr.write(line));
  const colours = options.write === undefined && process.stderr.isTTY === true;
  const destination: DestinationStream = readable
    ? { write: (line: string) => write(formatLine(line, colours)) }
    : options.write === undefined
      ? pino.destination({ fd: 2, sync: true })
      : { write };
  const limit = new LineLimit();
  const { now = Date.now } = options;
  return pino(
    {
      ...{ level, base: null },
      hooks: {
        logMethod(args: unknown[], method) {
          const leftOut = limit.admit(textOf(args), now());
          if (leftOut === undefined) return;
          const said = leftOut === 0 ? args : withField(args, { leftOut });
          method.apply(this, said as Parameters<typeof method>);
        },
      },
    },
    destination,
  );
}

function textOf(args: readonly unknown[]): string {
  return args.find((each): each is string => typeof each === "string") ?? "";
}

function withField(args: readonly unknown[], field: object): unknown[] {
  const [first, ...rest] = args;
  return typeof first === "object" ? [{ ...first, ...field }, ...rest] : [field, ...args];
}
