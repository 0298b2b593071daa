/**
 * Commits and appends without a pause until it is killed: `keep.js DIR SEED EPOCH NUMBER`. What it writes
 * follows from the seed, so that each start can check all that is there, and that nothing is missing of
 * what it has said: `E n` an epoch is durable, `L n` a record is. Small tables and segments, large values:
 * something is being flushed, merged, rolled or removed all the time.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { statefold } from "#stored";
import { describeError, type ErrorCode, StatefoldError } from "../../../src/base/errors.ts";
import type { LogPartition } from "../../../src/log/partition.ts";
import type { NewRecord } from "../../../src/log/record.ts";
import { TopicLog } from "../../../src/log/topic-log.ts";
import type { Write } from "../../../src/store/contract.ts";
import { DataDirectory } from "../../../src/store/directory.ts";
import { endOfPrefix, keyOf } from "../../../src/store/keys.ts";
import type { PartitionStore } from "../../../src/store/witnessed-store.ts";
import { deadKey, metaWrite } from "../../contracts/store.ts";
import { createRng } from "../../support/rng.ts";

const KEYS = 120;
const WRITES = 6;
const VALUE_BYTES = 24 * 1024;
const RECORD_BYTES = 2048;
const SEGMENT_BYTES = 128 * 1024;
const RETAINED_BYTES = 2 ** 20;
const TRY_AGAIN_MS = 50;

const [dir = "", seedText = "1", epochText = "0", numberText = "0"] = process.argv.slice(2);
const seed = Number(seedText);
/** Values are pieces of it. */
const noise = createRng(seed).bytes(2 ** 19);

const say = (line: string): void => void process.stdout.write(`${line}\n`);

function piece(at: number, bytes: number): Uint8Array {
  const from = (at * 7919) % (noise.byteLength - VALUE_BYTES);
  return noise.subarray(from, from + bytes);
}

/** A key's last writer counts; undefined: deleted. */
function writesOf(
  epoch: number,
): { readonly key: number; readonly value: Uint8Array | undefined }[] {
  const rng = createRng(seed * 1_000_003 + epoch);
  return Array.from({ length: 1 + rng.int(WRITES) }, () => {
    const isDeleted = rng.chance(0.1);
    const value = isDeleted ? undefined : piece(rng.int(2 ** 20), rng.int(VALUE_BYTES));
    return { key: rng.int(KEYS), value };
  });
}

async function epochIn(store: PartitionStore): Promise<number> {
  const [bytes] = await store.getMany([keyOf("meta")]);
  return bytes === undefined ? 0 : Number(statefold.stored.Meta.decode(bytes).epoch);
}

async function checkStore(store: PartitionStore, atLeast: number): Promise<number> {
  const epoch = await epochIn(store);
  if (epoch < atLeast) wrong(`the store ends at epoch ${epoch}; ${atLeast} was durable`);
  const expected = new Map<number, Uint8Array | undefined>();
  for (let each = 1; each <= epoch; each++) {
    for (const { key, value } of writesOf(each)) expected.set(key, value);
  }
  const from = deadKey();
  const entries = await store.scan({ from, until: endOfPrefix(from), limit: KEYS + 1 });
  const found = new Map(entries.map(({ key, value }) => [key.at(-1) ?? -1, value]));
  for (let key = 0; key < KEYS; key++) {
    const [is, should] = [found.get(key), expected.get(key)];
    const isSame =
      is === undefined ? should === undefined : should && Buffer.compare(is, should) === 0;
    if (!isSame) wrong(`key ${key} at epoch ${epoch}: ${is?.byteLength} bytes, not as written`);
  }
  return epoch;
}

/** A record's number is its offset and one: what is doubled or lost moves all behind it. */
async function checkLog(log: LogPartition, atLeast: number): Promise<void> {
  const { endOffset } = log;
  if (endOffset < atLeast) wrong(`the log ends at ${endOffset}; ${atLeast} was durable`);
  for (let offset = log.startOffset; offset < endOffset; ) {
    const read = await log.read(offset, { maxRecords: 100, maxBytes: 2 ** 20 });
    if (read.kind !== "records") return wrong(`offset ${offset} of ${endOffset} is ${read.kind}`);
    for (const record of read.records) {
      const number = Buffer.from(record.value ?? []).readUInt32LE(0);
      if (number !== record.offset + 1) wrong(`record ${number} stands at offset ${record.offset}`);
    }
    offset = read.next;
  }
}

function wrong(what: string): never {
  say(`wrong: ${what}`);
  process.exit(3);
}

function recordOf(number: number): NewRecord {
  const value = Buffer.from(piece(number, 4 + (number % RECORD_BYTES)));
  value.writeUInt32LE(number, 0);
  return { key: undefined, value, headers: [], timestampMs: undefined };
}

/** What the disk refuses, or a process without descriptors. */
const REFUSALS: readonly ErrorCode[] = [
  ...(["STORE_WRITE_FAILED", "LOG_WRITE_FAILED"] as const),
  ...(["CONFIG_INVALID", "UNAVAILABLE"] as const),
];

/** That is tried again; anything else ends it. */
function refusal(error: unknown): void {
  if (error instanceof StatefoldError && REFUSALS.includes(error.code)) {
    return say(`refused ${describeError(error)}`);
  }
  say(`wrong: ${describeError(error)}`);
  process.exit(3);
}

async function keepStore(directory: DataDirectory): Promise<void> {
  for (let durable = Number(epochText); ; ) {
    let store: PartitionStore | undefined;
    try {
      store = await directory.openPartition(0, { writeBufferBytes: 128 * 1024 });
      for (let epoch = (await checkStore(store, durable)) + 1; ; epoch++) {
        const writes: Write[] = writesOf(epoch).map(({ key, value }) => ({
          key: deadKey(key),
          value,
        }));
        await store.commit([...writes, metaWrite(epoch)], epoch);
        durable = epoch;
        say(`E ${epoch}`);
      }
    } catch (error) {
      refusal(error);
    }
    await store?.close().catch((error: unknown) => refusal(error));
    await sleep(TRY_AGAIN_MS);
  }
}

async function keepLog(log: TopicLog): Promise<void> {
  let checked: LogPartition | undefined;
  for (;;) {
    try {
      const partition = await (await log.topic("kept", 1)).partition(0);
      if (checked !== partition) await checkLog(partition, Number(numberText));
      checked = partition;
      if (partition.failure !== undefined) await partition.reopen();
      for (;;) {
        // The one before again: its number is known.
        const numbers = [partition.endOffset, partition.endOffset + 1].filter((each) => each > 0);
        const records = numbers.map(recordOf);
        await partition.append(records, { id: "keeper", numbers });
        say(`L ${partition.endOffset}`);
      }
    } catch (error) {
      refusal(error);
    }
    await sleep(TRY_AGAIN_MS);
  }
}

try {
  const identity = { application: "test", partitions: 1 };
  const directory = await DataDirectory.open({ dir, ...identity });
  const log = await TopicLog.open(dir, {
    segmentBytes: SEGMENT_BYTES,
    retention: { maxBytes: RETAINED_BYTES },
  });
  say("opened");
  await Promise.all([keepStore(directory), keepLog(log)]);
} catch (error) {
  refusal(error);
  process.exit(1);
}
