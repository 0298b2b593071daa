import { describeError, StatefoldError } from "../base/errors.ts";
import { systemCode } from "../base/system-error.ts";

type During = "open" | "read" | "write";

/** A failed open has the first, and one of the others, or none, in its cause. */
const CODES = ["LEVEL_DATABASE_NOT_OPEN", "LEVEL_LOCKED", "LEVEL_CORRUPTION", "LEVEL_IO_ERROR"];

/**
 * What LevelDB throws, classified, with the directory and the consequence; anything else thrown is
 * returned as it is. The words of an IO error are those of strerror.
 */
export function classifyLevelError(error: unknown, dir: string, during: During): unknown {
  const codes = codesOf(error);
  if (!codes.some((code) => CODES.includes(code))) return error;
  const text = describeError(error);
  const options = { cause: error };
  if (codes.includes("LEVEL_LOCKED") && !text.includes("No locks available")) {
    return new StatefoldError("STORE_LOCKED", `${dir} is open elsewhere`, options);
  }
  if (/Permission denied|Read-only file system|Too many open files|No locks/.test(text)) {
    return new StatefoldError(
      "CONFIG_INVALID",
      `this process cannot use the store in ${dir}: the machine refuses it`,
      options,
    );
  }
  const isDamage = codes.includes("LEVEL_CORRUPTION") || during === "read";
  if (isDamage || (during === "open" && !text.includes("No space left"))) {
    return corrupt(dir, `the store in ${dir} is damaged and cannot be ${PAST[during]}`, options);
  }
  return new StatefoldError(
    "STORE_WRITE_FAILED",
    `the disk refused a write to ${dir}; what was being written may not be durable`,
    options,
  );
}

const REFUSALS = ["EACCES", "EPERM", "EROFS", "EMFILE", "ENFILE"];

/** The machine refuses to open a file, which says nothing about what is in it. */
export function isRefusal(error: unknown): boolean {
  return error instanceof Error && "code" in error && REFUSALS.includes(String(error.code));
}

/** What reading a file of the store threw, classified: the same for what we read ourselves. */
export function classifyFileError(error: unknown, dir: string): unknown {
  if (!(error instanceof Error) || !("code" in error) || error instanceof StatefoldError) {
    return error;
  }
  const options = { cause: error };
  if (isRefusal(error)) {
    return new StatefoldError(
      "CONFIG_INVALID",
      `this process cannot use the store in ${dir}: the machine refuses it`,
      options,
    );
  }
  if (systemCode(error) === "ENOTDIR") {
    const text = `${dir} cannot be there: what should be a folder above it is a file`;
    return new StatefoldError("CONFIG_INVALID", text, options);
  }
  return corrupt(dir, `the store in ${dir} cannot be read`, options);
}

const PAST = { open: "opened", read: "read", write: "written" } as const;

/** Damage that was found; every message of this kind ends with the same advice. */
export function corrupt(dir: string, what: string, options?: ErrorOptions): StatefoldError {
  return new StatefoldError(
    "STORE_CORRUPT",
    `${what}. Keep a copy of ${dir}, check the disk, and restore the data directory from a backup`,
    options,
  );
}

function codesOf(error: unknown): string[] {
  const codes: string[] = [];
  for (let at = error; at instanceof Error; at = at.cause) {
    if ("code" in at && typeof at.code === "string") codes.push(at.code);
  }
  return codes;
}
