/** A script that commits until the disk refuses, then once more: `fill.js DIR`. Prints what came of it. */
import { StatefoldError } from "../../../src/base/errors.ts";
import { LevelStore } from "../../../src/store/level.ts";
import { deadKey, metaWrite } from "../../contracts/store.ts";

const store = await LevelStore.open({ dir: process.argv[2] ?? "" });
let epoch = 1;

async function commit(): Promise<string> {
  try {
    await store.commit(
      [{ key: deadKey(epoch), value: Buffer.alloc(1000, 1) }, metaWrite(epoch)],
      epoch,
    );
    return "done";
  } catch (error) {
    return error instanceof StatefoldError ? `${error.code} ${error.message}` : String(error);
  }
}

let outcome = await commit();
while (outcome === "done") {
  epoch++;
  outcome = await commit();
}
const lastDone = epoch - 1;
epoch++;
const after = await commit();
await store.close();
process.stdout.write(JSON.stringify({ lastDone, outcome, after }));
