import { createLogger, LOG_LEVELS, type Logger, type LogLevel } from "../../telemetry/logger.ts";

/** pino's numbers of levels: ten, twenty, … */
const LEVEL_STEP = 10;

/** Says its lines on the main thread, which writes them. */
export function threadLogger(
  level: LogLevel,
  say: (level: LogLevel, fields: Readonly<Record<string, unknown>>, text: string) => void,
): Logger {
  const write = (line: string): void => {
    const { level: number, time: _, msg, ...fields } = JSON.parse(line);
    say(LOG_LEVELS[number / LEVEL_STEP - 1] ?? "info", fields, String(msg ?? ""));
  };
  return createLogger({ level, readable: false, write });
}
