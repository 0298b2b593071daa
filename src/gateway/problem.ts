import { ERRORS, type ErrorCode, StatefoldError } from "../base/errors.ts";

/** What goes beside an error's code and text when it is answered. */
export interface ProblemOptions {
  /** Instead of the status that the table of errors gives the code. */
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Further members of the answer's body. */
  readonly members?: Readonly<Record<string, string>>;
  /** Ends the connection after the answer. */
  readonly close?: boolean;
}

/** An error that knows how it is answered. Thrown by routes; everything else is translated to it. */
export class Problem extends StatefoldError {
  readonly options: ProblemOptions;
  #body: string | undefined;

  constructor(code: ErrorCode, message: string, options: ProblemOptions = {}) {
    super(code, message);
    this.options = options;
  }

  get status(): number {
    return this.options.status ?? ERRORS[this.code].status;
  }

  /** RFC 9457, application/problem+json. */
  body(): string {
    this.#body ??= JSON.stringify({
      type: `urn:statefold:error:${this.code}`,
      title: ERRORS[this.code].summary,
      status: this.status,
      code: this.code,
      detail: this.message,
      ...this.options.members,
    });
    return this.#body;
  }
}

/** @param status instead of 400 */
export function invalid(message: string, status?: number): Problem {
  return new Problem("REQUEST_INVALID", message, status === undefined ? {} : { status });
}

/**
 * How anything thrown is answered. What is no StatefoldError is a mistake of ours: its text is for the
 * log, not for the caller.
 */
export function asProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof StatefoldError) return new Problem(error.code, error.message);
  return new Problem("INTERNAL", "The node met an error it did not expect; its log says more.");
}
