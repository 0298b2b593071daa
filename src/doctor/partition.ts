/** Examines one partition's database and witness. Nothing is written, and LevelDB is not involved. */
import { join } from "node:path";
import { describeError } from "../base/errors.ts";
import { addressKey } from "../model/address.ts";
import { endOfPrefix, keyOf, type Tag } from "../store/keys.ts";
import { entriesIn, type SealedEntry } from "../store/level-entries.ts";
import { classifyFileError } from "../store/level-errors.ts";
import { type LevelFiles, readLevelFiles, stopOf } from "../store/level-files.ts";
import { checkOwner, readOwner, saltOf } from "../store/owner.ts";
import { decodeParked, type ParkedRecord } from "../store/records/parked.ts";
import { unseal } from "../store/seal.ts";
import { Witness } from "../store/witness.ts";
import { behindWitness, readEpoch } from "../store/witnessed-store.ts";
import { Census } from "./census.ts";
import {
  compareExpiries,
  compareOutboxes,
  compareParked,
  compareSums,
  compareTokens,
  type EntriesOf,
} from "./expected.ts";
import { ACCEPT, type Findings, findingOf, RESTORE } from "./finding.ts";

export interface ExaminedPartition {
  readonly partition: number;
  /** Undefined: the database cannot be read at all. */
  readonly census: Census | undefined;
  /** Undefined: its file cannot be believed. */
  readonly witnessEpoch: number | undefined;
  readonly parked: readonly ParkedRecord[];
  /** False: something could not be read, so the counts leave something out. */
  readonly isWhole: boolean;
}

export interface PartitionInput {
  /** Of the data directory. */
  readonly dir: string;
  readonly application: string;
  readonly partition: number;
  readonly partitionCount: number;
  readonly nowMs: number;
  readonly findings: Findings;
}

/** Never rejects for what is damaged: that is a finding. */
export async function examinePartition(input: PartitionInput): Promise<ExaminedPartition> {
  const { partition, findings } = input;
  const dir = join(input.dir, "partitions", String(partition));
  const witness = await readWitness(input);
  const witnessEpoch = witness?.epoch;
  const nothing = { partition, census: undefined, witnessEpoch, parked: [], isWhole: false };
  let files: LevelFiles;
  try {
    files = await readLevelFiles(dir);
  } catch (error) {
    findings.add(findingOf(`partitions/${partition}`, classifyFileError(error, dir)));
    return nothing;
  }
  const owner = await readOwner(dir);
  const salt = saltOf(owner ?? witness?.owner ?? "");
  if (witness !== undefined) {
    try {
      checkOwner(dir, owner, witness.owner);
    } catch (error) {
      findings.add(findingOf(`partitions/${partition}`, error));
    }
  }
  const reader = new Reader(files, input, salt);
  const parked = new Map<string, ParkedRecord>();
  for await (const { value } of reader.entries("parked")) {
    const record = decodeParked(value);
    parked.set(addressKey(record.address), record);
  }
  const census = new Census({ ...input, parked });
  for await (const { key, value } of reader.all()) {
    if (!census.take(key, value)) reader.isWhole = false;
  }
  await checkEnd(input, reader, census, witnessEpoch);
  if (reader.isWhole) {
    const entries: EntriesOf = (tag) => reader.entries(tag);
    compareSums(census, findings);
    compareOutboxes(census, findings);
    compareParked(census, parked, findings);
    await compareTokens(census, entries, findings);
    await compareExpiries(census, entries, findings);
  }
  const { isWhole } = reader;
  return { partition, census, witnessEpoch, parked: [...parked.values()], isWhole };
}

async function readWitness({ dir, partition, findings }: PartitionInput) {
  const name = `witness/${partition}`;
  try {
    return await Witness.read(join(dir, name));
  } catch (error) {
    findings.add({
      ...findingOf(name, error),
      advice: `Restore the file with the rest of the directory. ${ACCEPT}`,
    });
    return undefined;
  }
}

/** Whether the database ends where it should, and is the one that belongs here. */
async function checkEnd(
  { partition, partitionCount, application, findings }: PartitionInput,
  { files, salt, isWhole }: Reader,
  census: Census,
  witnessEpoch: number | undefined,
): Promise<void> {
  const { dir } = files;
  const where = `partitions/${partition}`;
  const stop = stopOf(files);
  if (stop?.isDamage) {
    findings.add({
      kind: "damage",
      where: `${where}/${stop.path.slice(dir.length + 1)}, byte ${stop.at}`,
      what: stop.what,
      means:
        "A node does not start on this directory. What was committed from there on cannot be trusted; the counts end before it.",
      advice: `${RESTORE} ${ACCEPT}`,
    });
  }
  const identity = { application, partition, partitionCount };
  let epoch: number;
  try {
    const value = await metaOf(files, salt);
    epoch = await readEpoch({ store: { getMany: async () => [value] }, dir, identity });
  } catch (error) {
    if (isWhole) findings.add(findingOf(where, error));
    return;
  }
  const isBehind = witnessEpoch !== undefined && epoch < witnessEpoch;
  if (isBehind && !stop?.isDamage && isWhole) {
    findings.add(findingOf(where, behindWitness(dir, epoch, witnessEpoch)));
  }
  if (stop !== undefined && !stop.isDamage && !isBehind) {
    findings.add({
      kind: "note",
      where: `${where}/${stop.path.slice(dir.length + 1)}, byte ${stop.at}`,
      what: "the log ends in the middle of a commit",
      means: "A commit was cut off by a crash, and acknowledged to nobody.",
      advice: "Nothing: the next start goes on from the commit before it.",
    });
  }
  if (census.meta === undefined && isWhole && census.entries > 0) {
    findings.add({
      ...{ kind: "damage", where, what: "there is no meta record" },
      means: "What the partition holds cannot be told apart from what it lost.",
      advice: RESTORE,
    });
  }
}

async function metaOf(files: LevelFiles, salt: number): Promise<Uint8Array | undefined> {
  const from = keyOf("meta");
  const options = { from, until: endOfPrefix(from), onDamage: () => undefined };
  for await (const [entry] of entriesIn(files, options)) {
    return entry === undefined ? undefined : unseal(entry.key, entry.sealed, salt);
  }
  return undefined;
}

/** Reads entries with their seals taken off, and reports, once, what is damaged. */
class Reader {
  isWhole: boolean;
  readonly files: LevelFiles;
  readonly salt: number;
  readonly #input: PartitionInput;
  readonly #reported = new Set<string>();

  constructor(files: LevelFiles, input: PartitionInput, salt: number) {
    this.salt = salt;
    this.files = files;
    this.#input = input;
    this.isWhole = stopOf(files)?.isDamage !== true;
  }

  async *all(): AsyncGenerator<{ key: Uint8Array; value: Uint8Array }> {
    yield* this.#read({});
  }

  async *entries(tag: Tag): AsyncGenerator<{ key: Uint8Array; value: Uint8Array }> {
    const from = keyOf(tag);
    yield* this.#read({ from, until: endOfPrefix(from) });
  }

  async *#read(range: { from?: Uint8Array; until?: Uint8Array }) {
    const onDamage = (path: string, problem: unknown) => this.#tableDamaged(path, problem);
    for await (const page of entriesIn(this.files, { ...range, onDamage })) {
      for (const entry of page) {
        const value = unseal(entry.key, entry.sealed, this.salt);
        if (value === undefined) this.#sealBroken(entry);
        else yield { key: entry.key, value };
      }
    }
  }

  #tableDamaged(path: string, problem: unknown): void {
    this.isWhole = false;
    if (this.#reported.has(path)) return;
    this.#reported.add(path);
    const where = `partitions/${this.#input.partition}/${path.slice(this.files.dir.length + 1)}`;
    this.#input.findings.add({
      kind: "damage",
      where,
      what: `the table is damaged: ${describeError(problem)}`,
      means: "A node does not start on this directory. The counts leave out what the table held.",
      advice: RESTORE,
    });
  }

  #sealBroken({ key }: SealedEntry): void {
    this.isWhole = false;
    const name = Buffer.from(key).toString("hex");
    if (this.#reported.has(name)) return;
    this.#reported.add(name);
    const { partition, findings } = this.#input;
    findings.add(
      {
        kind: "damage",
        where: `partition ${partition}`,
        what: `the value of key ${name} fails its checksum`,
        means: "A node ends with STORE_CORRUPT when it comes to read it. The counts leave it out.",
        advice: RESTORE,
      },
      "values that fail their checksum",
    );
  }
}
