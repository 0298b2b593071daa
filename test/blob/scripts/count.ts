/** A script that counts an object up, by its tag, so many times, against whoever else does: `count.js DIR TIMES`. */
import { readBlob } from "../../../src/blob/contract.ts";
import { openFolder } from "../../../src/blob/folder.ts";

const [dir = "", times = "0"] = process.argv.slice(2);
const store = openFolder(dir);

for (let done = 0; done < Number(times); ) {
  const blob = await store.get("count");
  if (blob === undefined) throw new Error("there is nothing to count");
  const next = Number(Buffer.from(await readBlob(blob)).toString()) + 1;
  const result = await store.put("count", Buffer.from(`${next}`), { ifMatch: blob.tag });
  if (result.stored) done++;
}
process.stdout.write("counted\n");
