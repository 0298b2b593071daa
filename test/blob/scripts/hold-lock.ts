/** A script that holds a lock until it is killed: `hold-lock.js FOLDER`. */
import { withFolderLock } from "../../../src/blob/folder-lock.ts";

await withFolderLock(process.argv[2] ?? "", undefined, async () => {
  process.stdout.write("held\n");
  setInterval(() => {}, 1_000);
  await new Promise(() => {});
});
