/**
 * Who may add snapshots below a prefix: one runtime at a time. No clocks are compared: who wants to succeed an
 * owner watches its beat, by a clock of its own, and takes it for dead when the beat stands still.
 *
 * - The same data directory as the owner's takes over at once: the directory's lock, which was got before,
 *   proves that the owner is dead. So may anybody when the owner has said good-bye.
 * - A data directory that was restored from here since (an heir) takes over when the owner is dead.
 * - One that is still empty does, before it is restored: so that nothing comes to be complete behind the snapshot
 *   that it begins with, and nothing that waits for a snapshot leaves twice.
 * - Any other is refused: its snapshots would push out those of the data that is kept here.
 *
 * Whoever takes over has the next term. The put that says so makes every later put of the owner before fail,
 * since it replaces what that one knows: a predecessor that wakes up late is fenced.
 */
import { StatefoldError } from "../base/errors.ts";
import type { BlobStore } from "../blob/contract.ts";
import { pause, type SnapshotClock } from "./clock.ts";
import { type Head, type Owner, type Runtime, withHeir, writeHead } from "./head.ts";
import { loadHead, type StoredHead } from "./head-file.ts";
import { HEAD_KEY } from "./layout.ts";
import { Ownership } from "./ownership.ts";

/** Whose beat stands still for so long is dead. */
export const LEASE_MS = 30_000;
/** So often in that time it is looked at. */
const LOOKS = 6;
/** Others who replace the head between a look at it and a put. */
const RACES = 20;

export interface ClaimOptions {
  /** Asked again by itself while what fails may pass: openBlobStore. */
  readonly blob: BlobStore;
  readonly clock: SnapshotClock;
  readonly application: string;
  readonly runtime: Runtime;
  /** The greatest of the partitions', as far as it is known: what they begin is noted as they open. */
  readonly incarnation: number;
  /** The data directory is empty, and about to be made from the last of the snapshots. Default false. */
  readonly isEmpty?: boolean;
  readonly signal?: AbortSignal;
  /** Default LEASE_MS. */
  readonly leaseMs?: number;
  /** Told before an owner is watched for so long, since it has not said good-bye. */
  readonly onWait?: (owner: Owner, waitMs: number) => void;
}

/**
 * Becomes the owner, which may take as long as the lease.
 *
 * @throws StatefoldError SNAPSHOT_OWNED when another one is at work, SNAPSHOT_FOREIGN when others' snapshots
 *   are there, SNAPSHOT_CORRUPT, SNAPSHOT_FORMAT, BLOB_UNAVAILABLE, BLOB_REFUSED
 */
export async function claim(options: ClaimOptions): Promise<Ownership> {
  const { blob, clock, signal, leaseMs = LEASE_MS } = options;
  for (let race = 0; race < RACES; race++) {
    const found = await loadHead(blob, signal);
    if (found !== undefined) await mayFollow(found, { ...options, leaseMs });
    const head = found === undefined ? firstHead(options) : followed(found.head, options);
    const condition = found === undefined ? { ifAbsent: true as const } : { ifMatch: found.tag };
    const put = await blob.put(HEAD_KEY, writeHead(head), withSignal(condition, signal));
    if (put.stored) return new Ownership({ blob, clock, leaseMs, head, tag: put.tag });
  }
  throw busy();
}

function withSignal<T extends object>(options: T, signal: AbortSignal | undefined): T {
  return signal === undefined ? options : { ...options, signal };
}

/** Returns when it may, as of the head that was found. */
async function mayFollow(
  { head, tag }: StoredHead,
  options: ClaimOptions & { readonly leaseMs: number },
): Promise<void> {
  const { application, runtime, blob, clock, signal, leaseMs } = options;
  const { owner, heirs, snapshots } = head;
  checkApplication(head, application);
  const isSame = owner.data === runtime.data;
  const isHeir = heirs.slice(heirs.indexOf(owner.data) + 1).includes(runtime.data);
  if (!isSame && !isHeir && !options.isEmpty && snapshots.length > 0) {
    throw new StatefoldError(
      "SNAPSHOT_FOREIGN",
      `the snapshots there are of another data directory of "${application}" (last used by ${who(owner)}), and this one was not restored from them. Choose another prefix, or start on an empty data directory to go on from them`,
    );
  }
  if (isSame || owner.released) return;
  options.onWait?.(owner, leaseMs);
  for (let look = 0; look < LOOKS; look++) {
    await pause(clock, leaseMs / LOOKS, signal);
    const now = await loadHead(blob, signal);
    if (now === undefined || now.tag === tag) continue;
    const { owner: other, beat } = now.head;
    // Not a beat: a restore was noted.
    if (other.term === owner.term && beat === head.beat) continue;
    if (other.released) return;
    throw new StatefoldError(
      "SNAPSHOT_OWNED",
      `snapshots of "${application}" are taken there by ${who(other)}, which is at work: stop it, or choose another prefix`,
    );
  }
}

/** @throws StatefoldError SNAPSHOT_FOREIGN */
export function checkApplication(head: Head, application: string): void {
  if (head.application === application) return;
  throw new StatefoldError(
    "SNAPSHOT_FOREIGN",
    `the snapshots there are those of the application "${head.application}", not of "${application}": choose another prefix`,
  );
}

export function who({ host, pid, command, sinceMs }: Owner): string {
  return `process ${pid} on ${host} (${command}, since ${new Date(sinceMs).toISOString()})`;
}

function firstHead(options: ClaimOptions): Head {
  const { application, incarnation } = options;
  const nothing = { beat: 1, snapshots: [], dropped: [], nextBarrier: 1, heirs: [] };
  return { application, owner: ownerOf(options, 1), ...nothing, incarnation };
}

function followed(head: Head, options: ClaimOptions): Head {
  return {
    ...head,
    owner: ownerOf(options, head.owner.term + 1),
    beat: head.beat + 1,
    incarnation: Math.max(head.incarnation, options.incarnation),
  };
}

function ownerOf({ runtime, clock }: ClaimOptions, term: number): Owner {
  return { ...runtime, term, sinceMs: clock.timeOfDay(), released: false };
}

/**
 * Notes that a data directory is about to be made from one of the snapshots, without becoming the owner.
 *
 * @param least the greatest incarnation in the snapshot
 * @returns the incarnation that its partitions begin; no other restore has it
 */
export async function enrol(
  blob: BlobStore,
  application: string,
  data: string,
  least: number,
): Promise<number> {
  for (let race = 0; race < RACES; race++) {
    const found = await loadHead(blob);
    if (found === undefined) break;
    checkApplication(found.head, application);
    const incarnation = Math.max(found.head.incarnation, least) + 1;
    const head = withHeir(found.head, data, incarnation);
    const put = await blob.put(HEAD_KEY, writeHead(head), { ifMatch: found.tag });
    if (put.stored) return incarnation;
  }
  throw busy();
}

function busy(): StatefoldError {
  return new StatefoldError("BLOB_UNAVAILABLE", `${HEAD_KEY} is replaced all the time by others`);
}
