import { MemoryContents, MemoryStore } from "../../src/store/memory.ts";
import { storeContract } from "../contracts/store.ts";

storeContract("MemoryStore", async () => {
  const contents = new MemoryContents();
  let store = new MemoryStore(contents);
  return {
    store,
    reopen: async () => {
      await store.close();
      store = new MemoryStore(contents);
      return store;
    },
  };
});
