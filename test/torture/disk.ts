/**
 * A small disk of its own that can be filled: a file system in a file (ext4 on a loop device) where we are
 * root, one in memory (tmpfs) where only a name space of our own lets us mount. Both are mounted in a
 * private mount name space, so that nothing stays behind however the process ends.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { closeSync, mkdirSync, openSync, rmSync, statfsSync, writeSync } from "node:fs";
import { join } from "node:path";

export const DISK_KINDS = ["ext4", "tmpfs", "none"] as const;
export type DiskKind = (typeof DISK_KINDS)[number];

/** Ways into a mount name space of our own, the most real first; each becomes the command behind it. */
const WAYS: readonly { readonly kind: DiskKind; readonly unshare: readonly string[] }[] = [
  { kind: "ext4", unshare: ["unshare", "--mount", "--"] },
  { kind: "tmpfs", unshare: ["unshare", "--mount", "--"] },
  { kind: "tmpfs", unshare: ["unshare", "--user", "--map-root-user", "--mount", "--"] },
];

/** The best this machine allows: found out by doing it, in the empty folder given. */
export function findDisk(folder: string): {
  readonly kind: DiskKind;
  readonly unshare: readonly string[];
} {
  for (const way of WAYS) {
    const [command = "", ...words] = way.unshare;
    const script = mountScript(way.kind, join(folder, "try"), 16);
    const { status } = spawnSync(command, [...words, "sh", "-ec", script], { stdio: "ignore" });
    rmSync(join(folder, "try"), { recursive: true, force: true });
    if (status === 0) return way;
  }
  return { kind: "none", unshare: [] };
}

function mountScript(kind: DiskKind, folder: string, megabytes: number): string {
  const at = `'${folder}/disk'`;
  const make = `mkdir -p ${at}`;
  if (kind === "tmpfs") return `${make}; mount -t tmpfs -o size=${megabytes}m tmpfs ${at}`;
  const file = `'${folder}/disk.img'`;
  const format = `truncate -s ${megabytes}M ${file}; mkfs.ext4 -q -F -m 0 ${file}`;
  return `${make}; ${format}; mount -o loop ${file} ${at}`;
}

export class Disk {
  /** Where it is mounted; an ordinary folder when there is none. */
  readonly path: string;
  readonly kind: DiskKind;
  readonly #ballast: string;

  /** Mounts it; the process must be in a name space of its own by now. */
  constructor(kind: DiskKind, folder: string, megabytes: number) {
    this.kind = kind;
    this.path = join(folder, "disk");
    this.#ballast = join(this.path, "ballast");
    if (kind === "none") mkdirSync(this.path);
    else execFileSync("sh", ["-ec", mountScript(kind, folder, megabytes)]);
  }

  get freeBytes(): number {
    const { bavail, bsize } = statfsSync(this.path);
    return bavail * bsize;
  }

  /** Takes all there is but for so many bytes. What is let go of meanwhile is taken by the next call. */
  fill(leaveBytes = 0): void {
    const file = openSync(this.#ballast, "a");
    try {
      this.#reserve(this.freeBytes - leaveBytes - 2 ** 20);
      for (const bytes of [65_536, 4_096]) {
        const chunk = Buffer.alloc(bytes);
        while (this.freeBytes >= leaveBytes + bytes && isWritten(file, chunk));
      }
      if (leaveBytes === 0) while (isWritten(file, Buffer.alloc(4_096)));
    } finally {
      closeSync(file);
    }
  }

  /** Gives the space back. */
  free(): void {
    rmSync(this.#ballast, { force: true });
  }

  unmount(): void {
    if (this.kind !== "none") spawnSync("umount", [this.path], { stdio: "ignore" });
  }

  /** Without writing: at a stroke. In vain where the file system cannot. */
  #reserve(bytes: number): void {
    if (bytes <= 0) return;
    spawnSync("fallocate", ["--length", String(bytes), `${this.#ballast}`], { stdio: "ignore" });
    // The rest is appended behind it.
  }
}

function isWritten(file: number, chunk: Buffer): boolean {
  try {
    return writeSync(file, chunk) > 0;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOSPC") return false;
    throw error;
  }
}
