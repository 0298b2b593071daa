import { type DestinationStream, type Logger as PinoLogger, pino } from "pino";
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
}

/**
 * Writes at once, not from a buffer: what was said before a crash is there after it.
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
  return pino({ level, base: null }, destination);
}
