/** Of each topic. */
export const PARTITIONS = 8;

/** Who takes records from one topic to another, and how: each has topics, and a function or none, of its own. */
export type PathName = (typeof SDK)[number] | (typeof OFFICIAL)[number] | "copy";

/** By functions on our SDK, on the Apache project's, and without any. */
export const SDK = ["sdk-exactly", "sdk-least"] as const;
export const OFFICIAL = [
  ...["official-exactly", "official-least"],
  ...["statefun-exactly", "statefun-least"],
] as const;

export const PATH_NAMES: readonly PathName[] = [...SDK, ...OFFICIAL, "copy"];

export interface Path {
  readonly from: string;
  readonly to: string;
  readonly functionName: `bench/${string}`;
  readonly egress: string;
}

export function pathOf(name: PathName): Path {
  return {
    ...{ from: `in-${name}`, to: `out-${name}` },
    ...{ functionName: `bench/pass-${name}`, egress: `bench/out-${name}` },
  };
}
