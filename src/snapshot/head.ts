/**
 * Which snapshots there are, and who may add to them. The only object that is replaced, always on the
 * condition that it still is what was read; JSON (document.ts):
 *
 *   head  = { kind: "head", format, application, owner, beat, nextBarrier, incarnation,
 *             snapshots: [name, …], dropped: [name, …], heirs: [data, …] }
 *   owner = { term, data, host, pid, command, sinceMs, released }
 *
 *   term         counts owners. Whoever takes over has the next one.
 *   data         which data directory the owner has.
 *   released     it said good-bye: nobody need wait for its silence.
 *   beat         grows with every write of an owner; who does not see it grow for a while takes the owner for dead.
 *   snapshots    of complete ones, oldest first.
 *   dropped      were complete, and are not to be restored any more: their objects are removed after a grace.
 *   nextBarrier  greater than any number that was announced under an owner of the past.
 *   incarnation  the greatest that partitions have had (MetaRecord): the next restore has a greater one.
 *   heirs        data directories that were restored from here, latest last: only they may follow.
 *
 * Formats:
 *
 *   1  the first
 */
import { type DocumentKind, readDocument, writeDocument } from "./document.ts";
import type { Fields } from "./fields.ts";
import { HEAD_KEY, isSnapshotName } from "./layout.ts";

const KIND: DocumentKind = { kind: "head", format: 1 };

/** Restores that are remembered: of more, the latest. */
const HEIRS_KEPT = 16;

/** A runtime, as it introduces itself. */
export interface Runtime {
  readonly data: string;
  readonly host: string;
  readonly pid: number;
  readonly command: string;
}

export interface Owner extends Runtime {
  readonly term: number;
  /** When it took over, by its own clock, in ms since the epoch: for people. */
  readonly sinceMs: number;
  readonly released: boolean;
}

export interface Head {
  readonly application: string;
  readonly owner: Owner;
  readonly beat: number;
  readonly snapshots: readonly string[];
  readonly dropped: readonly string[];
  readonly nextBarrier: number;
  readonly incarnation: number;
  readonly heirs: readonly string[];
}

export function writeHead(head: Head): Uint8Array {
  return writeDocument(KIND, head);
}

/** @throws StatefoldError SNAPSHOT_CORRUPT, SNAPSHOT_FORMAT */
export function readHead(bytes: Uint8Array): Head {
  const { fields } = readDocument(KIND, HEAD_KEY, bytes);
  const names = (field: string): string[] => {
    const all = fields.texts(field);
    if (!all.every(isSnapshotName)) throw fields.wrong(field, "holds what names no snapshot");
    return all;
  };
  return {
    application: fields.text("application"),
    owner: ownerFrom(fields.object("owner")),
    beat: fields.count("beat"),
    snapshots: names("snapshots"),
    dropped: names("dropped"),
    nextBarrier: fields.count("nextBarrier"),
    incarnation: fields.count("incarnation"),
    heirs: fields.texts("heirs"),
  };
}

function ownerFrom(fields: Fields): Owner {
  return {
    term: fields.count("term"),
    data: fields.text("data"),
    host: fields.text("host"),
    pid: fields.count("pid"),
    command: fields.text("command"),
    sinceMs: fields.count("sinceMs"),
    released: fields.flag("released"),
  };
}

/** A data directory is about to be made from one of the snapshots, as this incarnation. */
export function withHeir(head: Head, data: string, incarnation: number): Head {
  const heirs = [...head.heirs.filter((each) => each !== data), data].slice(-HEIRS_KEPT);
  return { ...head, heirs, incarnation };
}
