import { StatefoldError } from "../base/errors.ts";

/** The command line is wrong: exit code 2. */
export function usage(message: string): StatefoldError {
  return new StatefoldError("USAGE", message);
}
