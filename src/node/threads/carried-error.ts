import { describeError, type ErrorCode, StatefoldError } from "../../base/errors.ts";

/** An error on its way to another thread: its code, if it has one, and its text with that of its causes. */
export interface CarriedError {
  readonly code: ErrorCode | undefined;
  readonly text: string;
}

export function carried(error: unknown): CarriedError {
  const code = error instanceof StatefoldError ? error.code : undefined;
  return { code, text: describeError(error) };
}

export function uncarried({ code, text }: CarriedError): Error {
  return code === undefined ? new Error(text) : new StatefoldError(code, text);
}
