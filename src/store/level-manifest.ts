import { ByteCursor } from "./byte-cursor.ts";

/**
 * LevelDB's manifest: a record log of edits, which together say what the database consists of.
 *
 *   edit = (tag value)*    tags as below; a table's keys are internal ones: key, sequence and kind (8 bytes)
 */
const COMPARATOR = 1;
const LOG_NUMBER = 2;
const NEXT_FILE = 3;
const LAST_SEQUENCE = 4;
const COMPACT_POINTER = 5;
const DELETED_TABLE = 6;
const NEW_TABLE = 7;
const PREVIOUS_LOG = 9;

export interface TableEntry {
  readonly level: number;
  readonly number: number;
  readonly bytes: number;
  readonly smallest: Uint8Array;
  readonly largest: Uint8Array;
}

export interface Manifest {
  /** In no order. */
  readonly tables: readonly TableEntry[];
  /** Logs from this number on are not in the tables. */
  readonly logNumber: number;
  /** No write before the logs has a greater sequence. */
  readonly lastSequence: number;
}

/** @throws RangeError when an edit cannot be understood, or they do not make a whole */
export function readManifest(edits: readonly Uint8Array[]): Manifest {
  const tables = new Map<string, TableEntry>();
  let logNumber: number | undefined;
  let lastSequence: number | undefined;
  for (const bytes of edits) {
    const edit = readEdit(bytes);
    for (const name of edit.deleted) tables.delete(name);
    for (const table of edit.added) tables.set(`${table.level}/${table.number}`, table);
    logNumber = edit.numbers.get(LOG_NUMBER) ?? logNumber;
    lastSequence = edit.numbers.get(LAST_SEQUENCE) ?? lastSequence;
  }
  if (logNumber === undefined || lastSequence === undefined) {
    throw new RangeError("it lacks the log's number or the last sequence");
  }
  return { tables: [...tables.values()], logNumber, lastSequence };
}

interface Edit {
  /** By tag. */
  readonly numbers: Map<number, number>;
  /** `level/number` of tables. */
  readonly deleted: string[];
  readonly added: TableEntry[];
}

function readEdit(bytes: Uint8Array): Edit {
  const cursor = new ByteCursor(bytes);
  const edit: Edit = { numbers: new Map(), deleted: [], added: [] };
  while (!cursor.atEnd) {
    const tag = cursor.varint();
    switch (tag) {
      case LOG_NUMBER:
      case NEXT_FILE:
      case LAST_SEQUENCE:
      case PREVIOUS_LOG:
        edit.numbers.set(tag, cursor.varint());
        break;
      case COMPARATOR:
        cursor.slice();
        break;
      case COMPACT_POINTER:
        cursor.varint();
        cursor.slice();
        break;
      case DELETED_TABLE:
        edit.deleted.push(`${cursor.varint()}/${cursor.varint()}`);
        break;
      case NEW_TABLE:
        edit.added.push(readTableEntry(cursor));
        break;
      default:
        throw new RangeError(`an edit holds an unknown tag ${tag}`);
    }
  }
  return edit;
}

function readTableEntry(cursor: ByteCursor): TableEntry {
  const level = cursor.varint();
  const number = cursor.varint();
  const bytes = cursor.varint();
  return { level, number, bytes, smallest: cursor.slice(), largest: cursor.slice() };
}
