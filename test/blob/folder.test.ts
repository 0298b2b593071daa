import { readdirSync } from "node:fs";
import { join } from "node:path";
import { openFolder } from "../../src/blob/folder.ts";
import { blobStoreContract } from "../contracts/blob-store.ts";
import { tempDir } from "../support/temp.ts";

blobStoreContract("in a folder", async (t) => {
  const root = join(tempDir(t), "made", "by the first write");
  const leftovers = async (): Promise<number> => readdirSync(join(root, ".uploads")).length;
  return { store: openFolder(root), other: openFolder(root), leftovers };
});
