/** The options of `npm run torture`. */
import { parseArgs } from "node:util";
import { DISK_KINDS, type DiskKind } from "./disk.ts";

export interface TortureOptions {
  /** About how long it takes, without the account. Default 240. */
  readonly seconds: number;
  readonly seed: number;
  /** Of the runtime, and of functions: so many at least. Default 50. */
  readonly kills: number;
  readonly partitions: number;
  /** How long the stretch under load without kills lasts, of `seconds`. Default: a third of them. */
  readonly calm: number;
  /** Each blow once, in turn, and then drawn ones as the kills ask for. */
  readonly each: boolean;
  /** The disk that was found, once we are in a mount name space of our own. */
  readonly disk: DiskKind | undefined;
}

export const USAGE = `npm run torture -- [--seconds 240] [--seed N] [--kills 50] [--partitions 3] [--calm 80] [--each]

Kills, stops and starves a runtime and its functions under load, then draws an account of what came out.
  --seconds     how long, about, without the account
  --seed        what is done when; default: drawn, and printed
  --kills       of the runtime, and of functions: so many at least
  --partitions  of the data directory
  --calm        how many of the seconds are under load without kills, so that memory can be seen to be flat
  --each        every kind of blow once before the drawn ones
`;

/** @throws RangeError, TypeError for what is wrong */
export function parseOptions(args: readonly string[]): TortureOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seconds: { type: "string", default: "240" },
      seed: { type: "string", default: String(Math.floor(Math.random() * 1e6)) },
      kills: { type: "string", default: "50" },
      partitions: { type: "string", default: "3" },
      calm: { type: "string" },
      each: { type: "boolean", default: false },
      disk: { type: "string" },
    },
  });
  const seconds = count("seconds", values.seconds);
  return {
    seconds,
    calm: values.calm === undefined ? seconds / 3 : count("calm", values.calm),
    seed: count("seed", values.seed),
    kills: count("kills", values.kills),
    partitions: count("partitions", values.partitions),
    each: values.each,
    disk: DISK_KINDS.find((kind) => kind === values.disk),
  };
}

function count(name: string, text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new RangeError(`--${name} ${text} is no number`);
}
