import { stepwisePacking } from "../../src/snapshot/packing.ts";
import { entriesOfShare, loadManifest } from "../../src/snapshot/stored-snapshots.ts";
import { FakeBlobStore, type FakeBucket } from "../support/blob/fake.ts";
import { type Content, hex } from "./fake-partitions.ts";

/** What a snapshot holds, by partition. */
export async function readBack(bucket: FakeBucket, name: string): Promise<Content[]> {
  const blob = new FakeBlobStore(bucket);
  const { partitions } = await loadManifest(blob, name);
  const contents: Content[] = [];
  for (const { segments } of partitions) {
    const content = new Map<string, string>();
    for await (const page of entriesOfShare({ blob, packing: stepwisePacking }, segments)) {
      for (const { key, value } of page) content.set(hex(key), hex(value ?? Buffer.of()));
    }
    contents.push(content);
  }
  return contents;
}
