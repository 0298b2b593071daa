import { resolve } from "node:path";
import type { ListedSnapshot, VerifiedSnapshot } from "../node/snapshot-tools.ts";
import { argument, type Command, type Context } from "./command.ts";
import { JSON_OPTION, URL_OPTION } from "./common-options.ts";
import type { OptionSpec } from "./option-spec.ts";
import { firstLine, size, table, time } from "./table.ts";
import { usage } from "./usage.ts";

const AT: OptionSpec = {
  ...{ name: "at", kind: "text", placeholder: "N" },
  description: "the snapshot of this number",
};

/** Asked of a running node, or looked at where they are kept. */
export const snapshotCommands: readonly Command[] = [
  {
    name: "snapshot now",
    summary: "have the node take a snapshot, and wait for it",
    args: "",
    arity: [0, 0],
    details: `
Prints its number when it is complete: what was acknowledged before is in it. The node must have been started
with --snapshots. Exits with 1 when there is none; the reason stands on stderr.`,
    options: [JSON_OPTION, URL_OPTION],
    examples: ["statefold snapshot now", "statefold snapshot now --json"],
    run: now,
  },
  {
    name: "snapshot list",
    summary: "list the snapshots that are kept somewhere",
    args: "URL",
    arity: [1, 1],
    details: "URL is the folder or bucket a node was given with --snapshots. Oldest first.",
    options: [JSON_OPTION],
    examples: ["statefold snapshot list s3://backups/orders"],
    run: list,
  },
  {
    name: "snapshot verify",
    summary: "read snapshots back, and compare every checksum",
    args: "URL",
    arity: [1, 1],
    details: `
Reads every byte of every snapshot, what they share once, or of the one that --at names. Exits with 0 when all
of them are whole, with 1 when one is not.`,
    options: [AT, JSON_OPTION],
    examples: ["statefold snapshot verify /mnt/backup/orders"],
    run: verify,
  },
  {
    name: "snapshot restore",
    summary: "make a data directory from a snapshot",
    args: "URL",
    arity: [1, 1],
    details: `
The directory must be new or empty. A node that is started on it afterwards goes on where the snapshot was
taken. With the number of another snapshot than the latest, on another number of partitions, or as
a fork, which has another name and does not follow the original: nothing of it goes to the original's snapshots.`,
    options: [
      {
        ...{ name: "data", kind: "text", placeholder: "DIR" },
        description: "the data directory to make",
      },
      AT,
      {
        ...{ name: "partitions", kind: "text", placeholder: "N" },
        description: "as many; else as many as the snapshot has",
      },
      {
        ...{ name: "as", kind: "text", placeholder: "NAME" },
        description: "make a fork: the name of the application it becomes",
      },
      JSON_OPTION,
    ],
    examples: [
      "statefold snapshot restore s3://backups/orders --data ./data",
      "# an older one, on eight partitions, to try something out",
      "statefold snapshot restore s3://backups/orders --at 41 --data ./try --partitions 8 --as try",
    ],
    run: restore,
  },
];

/** As `POST /v1/admin/snapshots` answers it. */
interface Taken {
  readonly name: string;
  readonly barrier: number;
  readonly writtenBytes: number;
  readonly elapsedMs: number;
}

async function now({ client, io, options }: Context): Promise<number> {
  const taken = await client.json<Taken>("POST", "/v1/admin/snapshots");
  const { barrier, writtenBytes, elapsedMs } = taken;
  const written = `${size(writtenBytes)} written in ${Math.round(elapsedMs)} ms`;
  const text = options.flag("json") ? JSON.stringify(taken, null, 2) : `${barrier}  ${written}`;
  await io.out(`${text}\n`);
  return 0;
}

async function list(context: Context): Promise<number> {
  const { io, options } = context;
  const { listSnapshots } = await import("../node/snapshot-tools.ts");
  const snapshots = await listSnapshots(argument(context, 0));
  if (options.flag("json")) await io.out(`${JSON.stringify(snapshots, null, 2)}\n`);
  else if (snapshots.length === 0) io.err("there are no snapshots yet\n");
  else {
    const head = ["SNAPSHOT", "TAKEN", "APPLICATION", "PARTITIONS", "SEGMENTS", "SIZE", ""];
    await io.out(table(head, snapshots.map(listRow)));
  }
  return 0;
}

function listRow(each: ListedSnapshot): (string | number)[] {
  const { barrier, application, takenAtMs, partitions, segments, bytes, damage } = each;
  if (damage !== undefined || takenAtMs === undefined) {
    return [barrier, "?", application, "?", "?", "?", firstLine(damage ?? "")];
  }
  const counts = [partitions ?? "?", segments ?? "?", size(bytes ?? 0)];
  return [barrier, time(takenAtMs), application, ...counts, ""];
}

async function verify(context: Context): Promise<number> {
  const { io, options } = context;
  const at = options.count("at", 1, Number.MAX_SAFE_INTEGER);
  const { verifySnapshots } = await import("../node/snapshot-tools.ts");
  const verified = await verifySnapshots(argument(context, 0), at);
  if (options.flag("json")) await io.out(`${JSON.stringify(verified, null, 2)}\n`);
  else if (verified.length === 0) io.err("there are no snapshots yet\n");
  else {
    const head = ["SNAPSHOT", "SEGMENTS", "SIZE", "CHANGES", ""];
    await io.out(table(head, verified.map(verifiedRow)));
  }
  return verified.some(({ damage }) => damage !== undefined) ? 1 : 0;
}

function verifiedRow({ barrier, found, damage }: VerifiedSnapshot): (string | number)[] {
  if (found === undefined) return [barrier, "?", "?", "?", firstLine(damage ?? "")];
  return [barrier, found.segments, size(found.bytes), found.changes, "whole"];
}

async function restore(context: Context): Promise<number> {
  const { io, options } = context;
  const dir = options.text("data");
  if (dir === undefined) throw usage("--data DIR is missing: the directory to make");
  const dataDir = resolve(io.directory, dir);
  const { restoreInto } = await import("../node/snapshot-tools.ts");
  const restored = await restoreInto({
    ...{ url: argument(context, 0), dataDir, as: options.text("as") },
    at: options.count("at", 1, Number.MAX_SAFE_INTEGER),
    partitions: options.count("partitions", 1, 1024),
  });
  const { barrier, takenAtMs, application, of, report } = restored;
  const { entries, rawBytes, inFlight, renumbered, metas } = report;
  if (options.flag("json")) {
    const partitions = metas.length;
    const all = {
      barrier,
      takenAtMs,
      application,
      partitions,
      entries,
      rawBytes,
      inFlight,
      renumbered,
    };
    await io.out(`${JSON.stringify(all, null, 2)}\n`);
    return 0;
  }
  const as = application === of ? "" : ` as "${application}"`;
  const parts = `${metas.length} ${metas.length === 1 ? "partition" : "partitions"}`;
  await io.out(
    `${dataDir}: snapshot ${barrier} of "${of}"${as}, taken ${time(takenAtMs)}; ${entries} entries in ${parts}\n`,
  );
  if (renumbered > 0) {
    io.err(
      `${renumbered} records wait for egresses under new numbers: what the original has published of them the fork publishes as well\n`,
    );
  }
  return 0;
}
