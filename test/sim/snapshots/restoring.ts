/** Makes a machine's disks from a snapshot, as src/node/restoration.ts does, and holds them to what must be there. */
import type { BlobStore } from "../../../src/blob/contract.ts";
import { logHolds } from "../../../src/egress/log-holds.ts";
import { stepwisePacking } from "../../../src/snapshot/packing.ts";
import {
  incarnationOf,
  type RestoreReport,
  restoreSnapshot,
} from "../../../src/snapshot/restore.ts";
import { restoreTopics } from "../../../src/snapshot/restore-topics.ts";
import { loadManifest } from "../../../src/snapshot/stored-snapshots.ts";
import { APPLICATION } from "./life.ts";
import type { Machine } from "./machine.ts";
import { checkTokens, type Token } from "./tokens.ts";

export interface Restoring {
  readonly blob: BlobStore;
  readonly name: string;
  readonly machine: Machine;
  readonly tokens: readonly Token[];
  /** Another name: a fork. */
  readonly as?: string | undefined;
  /** Given the greatest in the snapshot. */
  readonly incarnation: (least: number) => Promise<number>;
}

export async function restoreOn(options: Restoring): Promise<RestoreReport> {
  const { blob, name, machine, tokens, as: application = APPLICATION } = options;
  const manifest = await loadManifest(blob, name);
  const incarnation = await options.incarnation(incarnationOf(manifest));
  const files = machine.logDisk.boot();
  const log = await restoreTopics({ blob, manifest, directory: "/data", files });
  const report = await restoreSnapshot({
    ...{ blob, manifest, stores: machine.disks, application, incarnation },
    ...{ taken: await logHolds(log), packing: stepwisePacking },
  });
  const what = `in snapshot ${name} of ${manifest.partitions.length} partitions on ${machine.disks.length}`;
  await checkTokens(machine.disks, log, tokens, what);
  await log.close();
  return report;
}
