/** statefold, to be run inside another program or a test. */

export { type ErrorCode, StatefoldError } from "./base/errors.ts";
export type { NodeOptions, RunningNode } from "./node/options.ts";
export { startNode } from "./node/start.ts";
export { createLogger, type Logger } from "./telemetry/logger.ts";
