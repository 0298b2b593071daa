import type { LogPartition } from "../../src/log/partition.ts";
import type { LogRecord, NewRecord } from "../../src/log/record.ts";

export const ONE_READ = { maxRecords: 1000, maxBytes: 1024 * 1024 };

/** A record of two texts. */
export function record(value: string, key?: string): NewRecord {
  return {
    key: key === undefined ? undefined : Buffer.from(key),
    value: Buffer.from(value),
    headers: [],
    timestampMs: undefined,
  };
}

export function textOf(found: LogRecord): string {
  return Buffer.from(found.value ?? "").toString();
}

/** Everything a partition holds, from its start; what retention removes meanwhile may be missing. */
export async function readAll(
  partition: LogPartition,
  limits: { readonly maxRecords: number; readonly maxBytes: number } = ONE_READ,
): Promise<LogRecord[]> {
  const records: LogRecord[] = [];
  for (let offset = partition.startOffset; ; ) {
    const result = await partition.read(offset, limits);
    if (result.kind === "belowStart") {
      offset = result.startOffset;
      continue;
    }
    if (result.kind !== "records") throw new Error(`reading ${offset} gave ${result.kind}`);
    if (result.records.length === 0) return records;
    records.push(...result.records);
    offset = result.next;
  }
}

export async function textsOf(partition: LogPartition): Promise<string[]> {
  return (await readAll(partition)).map(textOf);
}
