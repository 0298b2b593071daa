/** A script that stores more than it may: `fill.js DIR`. Prints what came of it. */
import { StatefoldError } from "../../../src/base/errors.ts";
import { openFolder } from "../../../src/blob/folder.ts";

process.on("SIGXFSZ", () => {}); // so that the write fails, as on a full disk
try {
  await openFolder(process.argv[2] ?? "").put("large", Buffer.alloc(1_000_000));
} catch (error) {
  const isOurs = error instanceof StatefoldError;
  process.stdout.write(isOurs ? `${error.code} ${error.message}\n` : `${String(error)}\n`);
}
