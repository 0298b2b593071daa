import { StatefoldError } from "../base/errors.ts";
import { systemCode } from "../base/system-error.ts";

/** What a person has to change; everything else of a disk may pass. */
const FINAL = [
  ...["EACCES", "EPERM", "EROFS", "ENOTDIR", "EISDIR", "EEXIST", "ELOOP", "ENAMETOOLONG", "EXDEV"],
  ...["ENOTSUP", "EOPNOTSUPP", "EINVAL", "ENOSYS", "EMLINK"],
];

/**
 * What the file system threw. What the system did not throw is returned as it is.
 *
 * @param what completes "the blob store /backup could not …"
 */
export function classifyFolderError(error: unknown, root: string, what: string): unknown {
  const code = systemCode(error);
  if (error instanceof StatefoldError || code === undefined || !/^E[A-Z0-9]+$/.test(code)) {
    return error;
  }
  const kind = FINAL.includes(code) ? "BLOB_REFUSED" : "BLOB_UNAVAILABLE";
  return new StatefoldError(kind, `the blob store ${root} could not ${what}`, { cause: error });
}
