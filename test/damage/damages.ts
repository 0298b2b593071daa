/** Kinds of damage to a data directory, each done to one file or folder that a seed picks. */
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import type { Rng } from "../support/rng.ts";
import type { Scene } from "./scene.ts";

export interface Done {
  /** Path within the directory. */
  readonly path: string;
  readonly how: string;
}

/** Does one thing to `dir`, a copy of the scene's directory; undefined: nothing of the sort is there. */
export type Damage = (dir: string, rng: Rng, scene: Scene) => Done | undefined;

/** What says nothing about the data: LevelDB's own diary, and its lock files. */
const OF_NO_ACCOUNT = /\/(LOG|LOG\.old|LOCK)$|^lock\//;

export function filesIn(dir: string): string[] {
  return readdirSync(dir, { recursive: true, encoding: "utf8" })
    .filter((path) => statSync(join(dir, path)).isFile())
    .filter((path) => !OF_NO_ACCOUNT.test(path))
    .sort();
}

function pickFile(dir: string, rng: Rng, pattern = /./): string | undefined {
  // By kind of file first, so that rare ones get their share.
  const kinds = new Map<string, string[]>();
  for (const path of filesIn(dir).filter((each) => pattern.test(each))) {
    const kind = path.replaceAll(/\d+/g, "0");
    kinds.set(kind, [...(kinds.get(kind) ?? []), path]);
  }
  const names = [...kinds.keys()];
  return names.length === 0 ? undefined : rng.pick(kinds.get(rng.pick(names)) ?? []);
}

function changeFile(
  how: string,
  change: (file: string, rng: Rng, scene: Scene, path: string) => string | undefined,
  pattern?: RegExp,
): Damage {
  return (dir, rng, scene) => {
    const path = pickFile(dir, rng, pattern);
    if (path === undefined) return undefined;
    const more = change(join(dir, path), rng, scene, path);
    return more === undefined ? undefined : { path, how: `${how} ${more}` };
  };
}

function flip(file: string, at: number, rng: Rng): string {
  const bytes = readFileSync(file);
  bytes[at] = (bytes[at] ?? 0) ^ (1 << rng.int(8));
  writeFileSync(file, bytes);
  return `byte ${at} of ${bytes.byteLength}`;
}

const sizeOf = (file: string): number => statSync(file).size;

const FOLDERS =
  /^(partitions|topics\/\w+)\/\d+$|^(partitions|witness|topics|topics\/\w+|witness\/topics)$/;

function pickFolder(dir: string, rng: Rng): string {
  const folders = readdirSync(dir, { recursive: true, encoding: "utf8" }).filter(
    (path) => FOLDERS.test(path) && statSync(join(dir, path)).isDirectory(),
  );
  return rng.pick(folders.sort());
}

function replace(from: string, to: string): boolean {
  if (!existsSync(from)) return false;
  rmSync(to, { recursive: true, force: true });
  cpSync(from, to, { recursive: true });
  return true;
}

export const DAMAGES: Readonly<Record<string, Damage>> = {
  flip: changeFile("flipped", (file, rng) => {
    const size = sizeOf(file);
    return size === 0 ? undefined : flip(file, rng.int(size), rng);
  }),
  flipTail: changeFile("flipped in its tail:", (file, rng) => {
    const size = sizeOf(file);
    return size === 0 ? undefined : flip(file, size - 1 - rng.int(Math.min(size, 40)), rng);
  }),
  truncate: changeFile("cut to", (file, rng) => {
    const length = rng.int(Math.max(1, sizeOf(file)));
    truncateSync(file, length);
    return `${length}`;
  }),
  tear: changeFile("cut at its end by", (file, rng) => {
    const size = sizeOf(file);
    const bytes = 1 + rng.int(Math.min(60, Math.max(1, size)));
    truncateSync(file, Math.max(0, size - bytes));
    return `${bytes}`;
  }),
  zeroTail: changeFile("zero-filled from", (file, rng) => {
    const size = sizeOf(file);
    if (size === 0) return undefined;
    const from = rng.int(size);
    const bytes = readFileSync(file);
    bytes.fill(0, from);
    writeFileSync(file, bytes);
    return `${from}`;
  }),
  zeroHole: changeFile("zero-filled within", (file, rng) => {
    const size = sizeOf(file);
    if (size === 0) return undefined;
    const from = rng.int(size);
    const bytes = readFileSync(file);
    bytes.fill(0, from, Math.min(size, from + 1 + rng.int(4096)));
    writeFileSync(file, bytes);
    return `${from}`;
  }),
  zerosBehind: changeFile("zeros behind it:", (file, rng) => {
    const zeros = Buffer.alloc(1 + rng.int(5_000));
    appendFileSync(file, zeros);
    return `${zeros.byteLength}`;
  }),
  garbageBehind: changeFile("garbage behind it:", (file, rng) => {
    const garbage = rng.bytes(1 + rng.int(200));
    appendFileSync(file, garbage);
    return `${garbage.byteLength}`;
  }),
  garbage: changeFile("replaced by garbage", (file, rng) => {
    writeFileSync(file, rng.bytes(rng.int(200)));
    return "";
  }),
  remove: changeFile("removed", (file) => {
    rmSync(file);
    return "";
  }),
  oldFile: changeFile("put back from an older copy", (file, _rng, { older }, path) =>
    replace(join(older, path), file) ? "" : undefined,
  ),
  otherFile: changeFile("swapped with another directory's", (file, rng, { others }, path) =>
    replace(join(rng.pick(others), path), file) ? "" : undefined,
  ),
  siblingFile: changeFile(
    "swapped with that of another partition",
    (file, _rng, _scene, path) => {
      const sibling = path.replace(
        /^((?:partitions|witness|witness\/topics\/\w+|topics\/\w+)\/)(\d)/,
        (_, name, k) => `${name}${1 - Number(k)}`,
      );
      if (sibling === path) return undefined;
      return replace(file.slice(0, -path.length) + sibling, file) ? "" : undefined;
    },
    /\/[01](\/|$)/,
  ),
  removeFolder: (dir, rng) => {
    const path = pickFolder(dir, rng);
    rmSync(join(dir, path), { recursive: true });
    return { path, how: "folder removed" };
  },
  emptyFolder: (dir, rng) => {
    const path = pickFolder(dir, rng);
    rmSync(join(dir, path), { recursive: true });
    mkdirSync(join(dir, path));
    return { path, how: "folder emptied" };
  },
  oldFolder: (dir, rng, { older }) => {
    const path = pickFolder(dir, rng);
    return replace(join(older, path), join(dir, path))
      ? { path, how: "folder put back from an older copy" }
      : undefined;
  },
  otherFolder: (dir, rng, { others }) => {
    const path = pickFolder(dir, rng);
    return replace(join(rng.pick(others), path), join(dir, path))
      ? { path, how: "folder swapped with another directory's" }
      : undefined;
  },
  leftoverLock: (dir) => {
    writeFileSync(join(dir, "lock", "holder.json"), '{"pid":1,"host":"gone","command":"x"}');
    for (const name of ["0", "1"]) appendFileSync(join(dir, "partitions", name, "LOCK"), "");
    return { path: "lock", how: "left over" };
  },
  damagedLock: (dir, rng) => {
    const names = readdirSync(join(dir, "lock")).filter((name) => name !== "LOCK");
    const name = rng.pick(names.sort());
    writeFileSync(join(dir, "lock", name), rng.bytes(30));
    return { path: `lock/${name}`, how: "replaced by garbage" };
  },
};
