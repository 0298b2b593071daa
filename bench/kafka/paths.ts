/** Topics that go with one way from a topic to another: who is measured reads one and writes the other. */
export interface Path {
  readonly from: string;
  readonly to: string;
}

export const PATHS = {
  exactly: { from: "in-exactly", to: "out-exactly" },
  least: { from: "in-least", to: "out-least" },
  copy: { from: "in-copy", to: "out-copy" },
} as const satisfies Readonly<Record<string, Path>>;

export const PARTITIONS = 8;
