import { withRetries } from "../../src/blob/retry.ts";
import { blobStoreContract } from "../contracts/blob-store.ts";
import { FakeBlobStore, FakeBucket } from "../support/blob/fake.ts";
import { createRng } from "../support/rng.ts";

blobStoreContract("in memory", async () => {
  const bucket = new FakeBucket();
  const [store, other] = [new FakeBlobStore(bucket), new FakeBlobStore(bucket)];
  return { store, other, leftovers: async () => 0 };
});

const FAULTS = { unavailable: 0.2, lost: 0.2, broken: 0.2, maxDelayMs: 5 };

for (const seed of [1, 2]) {
  blobStoreContract(`with faults of seed ${seed}, asked again`, async () => {
    const bucket = new FakeBucket();
    const rng = createRng(seed);
    const open = () => {
      const wait = async (): Promise<void> => {};
      const fake = new FakeBlobStore(bucket, { rng: rng.fork(), faults: FAULTS, wait });
      return withRetries(fake, { attempts: 30, random: rng.random, wait });
    };
    return { store: open(), other: open(), leftovers: async () => 0 };
  });
}
