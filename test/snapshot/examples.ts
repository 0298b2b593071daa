import type { Head } from "../../src/snapshot/head.ts";
import type { Manifest, SegmentRef } from "../../src/snapshot/manifest.ts";
import type { MetaRecord } from "../../src/store/records/meta.ts";

export const META: MetaRecord = {
  ...{ formatVersion: 1, application: "app", partition: 0, partitionCount: 1, incarnation: 0 },
  ...{ session: 1, epoch: 2, nextSequence: 3, accepted: 0, finished: 0, mail: 0, timers: 0 },
  ...{ outbox: 0, dead: 0, outboxBytes: 0, barrier: 7 },
};

export const segment = (key: string, rest: Partial<SegmentRef> = {}): SegmentRef => ({
  ...{ key, delta: false, bytes: 100, rawBytes: 200, changes: 3, sha256: "00" },
  ...rest,
});

export const MANIFEST: Manifest = {
  ...{ application: "app", numbers: "n1", barrier: 7, term: 2, takenAtMs: 1_000, storeFormat: 1 },
  partitions: [
    {
      meta: META,
      positions: new Map([["log/ns/in/topic/0", 12]]),
      segments: [
        segment("segments/1/000000000005-p00000-00000.seg"),
        segment("segments/2/000000000007-p00000-00000.seg", { delta: true }),
      ],
    },
  ],
  topics: [],
};

export const HEAD: Head = {
  application: "app",
  owner: {
    ...{ term: 2, data: "d1", host: "h1", pid: 17, command: "statefold run", sinceMs: 1_000 },
    released: false,
  },
  ...{ beat: 5, snapshots: ["000000000007-2"], dropped: [], nextBarrier: 8, incarnation: 0 },
  heirs: ["d1"],
};
