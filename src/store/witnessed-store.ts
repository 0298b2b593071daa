import { assert } from "../base/assert.ts";
import { StatefoldError } from "../base/errors.ts";
import type {
  Entry,
  ScanRange,
  Store,
  StoreInTheMaking,
  StoreSnapshot,
  Write,
} from "./contract.ts";
import { FORMAT_VERSION } from "./format.ts";
import { keyOf } from "./keys.ts";
import { corrupt } from "./level-errors.ts";
import { decodeMeta, type MetaRecord } from "./records/meta.ts";
import type { Witness } from "./witness.ts";

const META_KEY = keyOf("meta");

/** What a partition's meta record must say to belong where it lies. */
export interface PartitionIdentity {
  readonly application: string;
  readonly partition: number;
  readonly partitionCount: number;
}

export interface WitnessedOptions {
  readonly store: Store & StoreInTheMaking;
  readonly witness: Witness;
  /** For messages. */
  readonly dir: string;
  readonly identity: PartitionIdentity;
  /** A database older than its witness is opened all the same, and says so in `lostEpoch`. */
  readonly acceptLoss: boolean;
}

/** The store of a partition, as opened from a data directory. */
export interface PartitionStore extends Store, StoreInTheMaking {
  /**
   * The last epoch that was synced here, when the database ends before it and that was accepted; else
   * undefined. The next commit's epoch must be greater: until then the loss must be accepted again.
   */
  readonly lostEpoch: number | undefined;
}

/**
 * A store whose every commit is remembered by a witness, and whose every commit holds the partition's
 * meta record with its epoch, since that is what the next open compares with the witness.
 */
export class WitnessedStore implements PartitionStore {
  readonly lostEpoch: number | undefined;
  readonly #store: Store & StoreInTheMaking;
  readonly #witness: Witness;
  #committing: Promise<void> = Promise.resolve();

  private constructor(
    store: Store & StoreInTheMaking,
    witness: Witness,
    lostEpoch: number | undefined,
  ) {
    this.#store = store;
    this.#witness = witness;
    this.lostEpoch = lostEpoch;
  }

  /**
   * Takes over both, and closes both, also when it throws.
   *
   * @throws StatefoldError STORE_FOREIGN, STORE_FORMAT when the database is not the one that belongs
   *   here; STORE_BEHIND_WITNESS when it is older than what was synced; STORE_CORRUPT
   */
  static async open(options: WitnessedOptions): Promise<WitnessedStore> {
    const { store, witness, dir, acceptLoss } = options;
    let isBehind: boolean;
    try {
      const epoch = await readEpoch(options);
      isBehind = epoch < witness.epoch;
      if (isBehind && !acceptLoss) {
        throw behindWitness(dir, epoch, witness.epoch);
      }
    } catch (error) {
      await Promise.allSettled([store.close(), witness.close()]);
      throw error;
    }
    return new WitnessedStore(store, witness, isBehind ? witness.epoch : undefined);
  }

  getMany(keys: readonly Uint8Array[]): Promise<(Uint8Array | undefined)[]> {
    return this.#store.getMany(keys);
  }

  scan(range: ScanRange): Promise<Entry[]> {
    return this.#store.scan(range);
  }

  snapshot(): StoreSnapshot {
    return this.#store.snapshot();
  }

  async fill(writes: readonly Write[]): Promise<void> {
    assert(this.#witness.epoch === 0, "a store is filled before its first commit");
    await this.#store.fill(writes);
  }

  async commit(writes: readonly Write[], epoch: number): Promise<void> {
    assert(epochWritten(writes) === epoch, `commit ${epoch} without its meta record`);
    this.#committing = this.#commit(writes, epoch);
    await this.#committing;
  }

  async #commit(writes: readonly Write[], epoch: number): Promise<void> {
    this.#witness.assertHealthy();
    await this.#store.commit(writes, epoch);
    this.#witness.record(epoch);
  }

  async close(): Promise<void> {
    await this.#committing.catch(() => undefined); // its caller has been told
    try {
      await this.#store.close();
    } finally {
      await this.#witness.close();
    }
  }
}

export function behindWitness(dir: string, epoch: number, synced: number): StatefoldError {
  return new StatefoldError(
    "STORE_BEHIND_WITNESS",
    `the database in ${dir} ends at epoch ${epoch}, but epoch ${synced} was synced to it: what came between is gone. Restore a backup, or start once with --accept-loss to go on from epoch ${epoch} without it`,
  );
}

/** The epoch in the meta record; 0 in a database that no commit has reached. */
export async function readEpoch(
  options: Pick<WitnessedOptions, "dir" | "identity"> & {
    readonly store: Pick<Store, "getMany">;
  },
): Promise<number> {
  const { store, dir, identity } = options;
  const [bytes] = await store.getMany([META_KEY]);
  if (bytes === undefined) return 0;
  let meta: MetaRecord;
  try {
    meta = decodeMeta(bytes);
  } catch (error) {
    throw corrupt(dir, `the meta record in ${dir} cannot be read`, { cause: error });
  }
  if (meta.formatVersion !== FORMAT_VERSION) {
    throw new StatefoldError(
      "STORE_FORMAT",
      `${dir} was written in format ${meta.formatVersion}; this version reads format ${FORMAT_VERSION}`,
    );
  }
  const found = `partition ${meta.partition} of ${meta.partitionCount} of "${meta.application}"`;
  const wanted = `partition ${identity.partition} of ${identity.partitionCount} of "${identity.application}"`;
  if (found !== wanted) {
    throw new StatefoldError(
      "STORE_FOREIGN",
      `${dir} holds ${found}, where ${wanted} belongs. Put back the folder that was here`,
    );
  }
  return meta.epoch;
}

/** The epoch in the meta record among the writes; the last one counts. */
function epochWritten(writes: readonly Write[]): number | undefined {
  for (let i = writes.length - 1; i >= 0; i--) {
    const write = writes[i];
    if (write?.value === undefined || write.key.byteLength !== 1) continue;
    if (write.key[0] === META_KEY[0]) return decodeMeta(write.value).epoch;
  }
  return undefined;
}
