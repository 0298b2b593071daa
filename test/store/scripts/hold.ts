/** A script that holds a data directory until it is killed: `hold.js DIR [EPOCHS]`. */
import { DataDirectory } from "../../../src/store/directory.ts";
import { metaWrite } from "../../contracts/store.ts";

const [dir = "", epochs = "0"] = process.argv.slice(2);
const directory = await DataDirectory.open({
  dir,
  application: "test",
  partitions: 1,
  command: "hold.js",
}).catch((error: unknown) => {
  process.stdout.write(`refused: ${String(error)}\n`);
  process.exit(1);
});
const store = await directory.openPartition(0);
for (let epoch = 1; epoch <= Number(epochs); epoch++) await store.commit([metaWrite(epoch)], epoch);
process.stdout.write("holding\n");
setInterval(() => {}, 1000);
