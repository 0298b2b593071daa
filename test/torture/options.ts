/** The options of `npm run torture`. */
import { parseArgs } from "node:util";
import { BLOWS, type Blow } from "./blows.ts";
import { DISK_KINDS, type DiskKind } from "./disk.ts";

export interface TortureOptions {
  /** About how long it takes, without the account. Default 240. */
  readonly seconds: number;
  readonly seed: number;
  /** Of the runtime, and of functions: so many at least. Default 50. */
  readonly kills: number;
  readonly partitions: number;
  /** That these are spread over. Default 1. */
  readonly threads: number;
  /** How long the stretch under load without kills lasts, of `seconds`. Default: a third of them. */
  readonly calm: number;
  /** These first, in this order; drawn ones follow until the time is over and there were enough kills. */
  readonly blows: readonly Blow[];
  /** The store and the topic log by themselves. */
  readonly store: boolean;
  /** Between topics of a real broker, which is killed as well. */
  readonly kafka: boolean;
  /** Between topics of a broker, with snapshots in an S3 server: the disk is lost again and again. */
  readonly snapshots: boolean;
  /** With `snapshots`: how often the disk is lost. */
  readonly rounds: number;
  /** With `snapshots`: how long an owner shows no life until it is taken for dead, in s. */
  readonly lease: number;
  /** With `kafka` or `snapshots`: records in the topic that is read, and the ids they are for. */
  readonly records: number;
  readonly ids: number;
  /** With `kafka` or `snapshots`: who reads for the account, beside the one that has followed all the time. */
  readonly reader: Reader;
  /** With `kafka`: a further line of the broker's server.properties, `NAME=VALUE`. */
  readonly broker: string | undefined;
  /** The disk that was found, once we are in a mount name space of our own. */
  readonly disk: DiskKind | undefined;
}

export const READERS = ["java", "own"] as const;
export type Reader = (typeof READERS)[number];

export const USAGE = `npm run torture -- [--seconds 240] [--seed N] [--kills 50] [--partitions 3] [--threads 1] [--calm 80] [--blows LIST]
npm run torture -- --store [--seconds 240] [--seed N]
npm run torture -- --kafka [--records 100000] [--ids 10000] [--kills 20] [--partitions 4] [--threads 1] [--seed N] [--reader java] [--broker NAME=VALUE]
npm run torture -- --snapshots [--rounds 10] [--records 30000] [--ids 3000] [--lease 30] [--threads 1] [--seed N] [--reader java]

Kills, stops and starves a runtime and its functions under load, then draws an account of what came out.
  --seconds     how long, about, without the account
  --seed        what is done when; default: drawn, and printed
  --kills       of the runtime, and of functions: so many at least
  --partitions  of the data directory
  --threads     of the runtime, which the partitions are spread over
  --calm        how many of the seconds are under load without kills, so that memory can be seen to be flat
  --store       the store and the topic log by themselves: killed and filled many times a second
  --kafka       between topics of a real broker: runtime, functions and broker are killed, --kills of each
  --snapshots   between topics of a real broker, with snapshots in a real S3 server: the runtime is killed and its
                disk lost, --rounds times, and the S3 server is killed meanwhile
  --lease       so many seconds a dead owner of the snapshots is waited for
  --records     written for the functions, while that goes on; and
  --ids         for so many of them
  --reader      who reads for the account in the end: java, which takes seconds, or own
  --broker      with --kafka, a further line of the broker's server.properties: NAME=VALUE
  --blows       with which to begin: ${BLOWS.join(", ")}; or: each
`;

/** @throws RangeError, TypeError for what is wrong */
export function parseOptions(args: readonly string[]): TortureOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seconds: { type: "string", default: "240" },
      seed: { type: "string", default: String(Math.floor(Math.random() * 1e6)) },
      kills: { type: "string" },
      partitions: { type: "string" },
      threads: { type: "string", default: "1" },
      calm: { type: "string" },
      blows: { type: "string", default: "" },
      store: { type: "boolean", default: false },
      kafka: { type: "boolean", default: false },
      snapshots: { type: "boolean", default: false },
      rounds: { type: "string", default: "10" },
      lease: { type: "string", default: "30" },
      records: { type: "string" },
      ids: { type: "string" },
      reader: { type: "string", default: "java" },
      broker: { type: "string" },
      disk: { type: "string" },
    },
  });
  const seconds = count("seconds", values.seconds);
  return {
    seconds,
    calm: values.calm === undefined ? seconds / 3 : count("calm", values.calm),
    seed: count("seed", values.seed),
    kills: count("kills", values.kills ?? (values.kafka ? "20" : "50")),
    partitions: count("partitions", values.partitions ?? (values.kafka ? "4" : "3")),
    threads: count("threads", values.threads),
    blows: values.blows === "each" ? BLOWS : values.blows.split(",").filter(Boolean).map(blow),
    store: values.store,
    kafka: values.kafka,
    snapshots: values.snapshots,
    rounds: count("rounds", values.rounds),
    lease: count("lease", values.lease),
    records: count("records", values.records ?? (values.snapshots ? "30000" : "100000")),
    ids: count("ids", values.ids ?? (values.snapshots ? "3000" : "10000")),
    reader: reader(values.reader),
    broker: values.broker,
    disk: DISK_KINDS.find((kind) => kind === values.disk),
  };
}

function reader(text: string): Reader {
  const found = READERS.find((each) => each === text);
  if (found === undefined) {
    throw new RangeError(`--reader ${text} is none of: ${READERS.join(", ")}`);
  }
  return found;
}

function blow(text: string): Blow {
  const found = BLOWS.find((each) => each === text.trim());
  if (found === undefined) throw new RangeError(`--blows ${text} is none of: ${BLOWS.join(", ")}`);
  return found;
}

function count(name: string, text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new RangeError(`--${name} ${text} is no number`);
}
