/** A script that writes an object without end, until it is killed: `write.js DIR`. */
import { openFolder } from "../../../src/blob/folder.ts";

const store = openFolder(process.argv[2] ?? "");
await store.put("endless", {
  open: async function* () {
    for (let chunk = 0; ; chunk++) {
      yield Buffer.alloc(10_000);
      if (chunk === 10) process.stdout.write("writing\n");
    }
  },
});
